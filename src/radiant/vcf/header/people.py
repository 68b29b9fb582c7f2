"""The members of a case and their sample columns."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from radiant.domain.assembly import RegionClass
from radiant.domain.case import Member, solo
from radiant.domain.compound_het import has_second_copy
from radiant.domain.trio import parents_of
from radiant.errors import InputError, SampleMismatchError
from radiant.vcf.header.declarations import read_header
from radiant.vcf.text.limits import MAX_SAMPLES_ALONE
from radiant.vcf.text.source import Source


@dataclass(frozen=True, slots=True)
class Person:
    """One member, and where in the file and in the case to find the family."""

    member: Member
    column: int
    """Index of the sample's column in a data line, from 0."""
    father: int | None
    """Index of the father among the case's members; None when he is not one."""
    mother: int | None
    """Index of the mother among the case's members; None when she is not one."""
    columns: dict[str, object]
    """The columns of the occurrence table that are the same in all of this member's rows."""

    def may_have_pairs_in(self, region: RegionClass) -> bool:
        """Return whether compound heterozygous pairs are looked for in a region of which this member has two copies.

        They are for the proband and for each member whose parents are named.
        """
        member = self.member
        return (member.is_proband or member.father is not None or member.mother is not None) and has_second_copy(
            region, member.sex
        )


def find_people(
    uri: str, samples: Sequence[str], members: Sequence[Member] | None, fixed: int, owner: str = ""
) -> tuple[Person, ...]:
    """Find each member's sample column.

    Args:
        uri: For messages.
        samples: Names of the sample columns.
        members: The case's members; None makes every sample a member of its own, of at most 1,000.
        fixed: How many columns come before the first sample.
        owner: See `radiant.domain.case.solo`.

    Raises:
        SampleMismatchError: a member is not among the samples.
        InputError: too many samples without a pedigree.
    """
    if members is None and len(samples) > MAX_SAMPLES_ALONE:
        msg = (
            f"{uri}: has {len(samples)} samples and its case has no pedigree, so each would be a member; at most "
            f"{MAX_SAMPLES_ALONE} can be. Give a pedigree with the members of the case, or take their columns out with "
            "bcftools view --samples"
        )
        raise InputError(msg)
    if members is None:
        members = [solo(name, owner) for name in samples]
    check_samples(uri, samples, members)
    places = {id(member): index for index, member in enumerate(members)}
    people: list[Person] = []
    for member in members:
        father, mother = parents_of(member, members)
        people.append(
            Person(
                member=member,
                column=fixed + samples.index(member.sample),
                father=None if father is None else places[id(father)],
                mother=None if mother is None else places[id(mother)],
                columns={
                    "patient_id": member.patient_id,
                    "experiment_id": member.experiment_id,
                    "sample": member.sample,
                    "is_proband": member.is_proband,
                    "sex": member.sex.value,
                    "affected": member.affected.value,
                },
            )
        )
    return tuple(people)


def check_samples(uri: str, samples: Sequence[str], members: Sequence[Member]) -> None:
    """Compare the members of a case with the samples of its VCF, which may have more.

    Args:
        uri: For messages.
        samples: Names of the sample columns.
        members: The case's members.

    Raises:
        SampleMismatchError: a member is not among the samples.
    """
    present = set(samples)
    missing = [member.sample for member in members if member.sample not in present]
    if missing:
        msg = (
            f"{uri}: the pedigree names samples that the VCF does not have: {', '.join(missing)}. "
            f"The VCF has: {', '.join(samples) or 'no samples'}. "
            "Correct the names in the pedigree, or rename the samples with bcftools reheader"
        )
        raise SampleMismatchError(msg)


def read_samples(uri: str) -> tuple[str, ...]:
    """Return the names of a file's sample columns, in its order; only the beginning of the file is read.

    Raises:
        VcfFormatError: not a VCF or BCF file, no `#CHROM` line, empty or duplicate sample names.
        VcfTruncatedError: the file ends inside the header.
        InputError: no such file, a folder, no permission.
        StorageError: the store does not answer.
    """
    with contextlib.closing(Source(uri).header_lines()) as lines:
        return read_header(uri, lines).samples
