"""Messages of a job name a case by its number: they go to logs, to XComs and into the registry.

A file's name often holds a patient's or a family's. `radiant cases show N` prints it.
"""

import contextlib
from collections.abc import Generator
from pathlib import PurePosixPath

from radiant.domain.case import Case
from radiant.errors import RadiantError, SampleMismatchError


@contextlib.contextmanager
def without_names(case: Case) -> Generator[None]:
    """Raise errors about a case's VCF again without its place and without names of people.

    Example: `file:///data/Doe.vcf.gz, line 7: ...` becomes `the VCF of case 42, line 7: ...`.
    """
    try:
        yield
    except SampleMismatchError:
        msg = (
            f"the pedigree of case {case.case_id} names samples that its VCF does not have. `radiant cases add --case "
            f"{case.case_id}` compares them and names both; correct the pedigree, or rename the samples with bcftools "
            "reheader"
        )
        raise SampleMismatchError(msg) from None
    except RadiantError as error:
        raise type(error)(_without(case, str(error))) from error.__cause__


def _without(case: Case, text: str) -> str:
    path = case.vcf_uri.partition("://")[2]
    names = [case.vcf_uri, path, PurePosixPath(path).name]
    for member in case.members:
        names += [member.experiment_id, member.patient_id]
    for name in names:
        text = text.replace(name, f"the VCF of case {case.case_id}" if name in names[:3] else "...")
    return text
