"""What a consumer asks for: a reader of one case."""

from collections.abc import Sequence

from radiant.domain.case import Member
from radiant.vcf.bulk.reader import BulkReader
from radiant.vcf.reader import CaseReader, ReadOptions


def read_case(uri: str, members: Sequence[Member] | None, options: ReadOptions) -> CaseReader:
    """Make a reader of a case's VCF or BCF; nothing is opened yet.

    Args:
        uri: Where the file is.
        members: The case's members; None makes every sample of the file a member of its own.
        options: How to read.
    """
    return BulkReader(uri, members, options)
