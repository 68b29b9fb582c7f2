"""The truth per allele that the proband carries: the rows that an import must find."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radiant.demo.families import Family
from radiant.demo.simulation import ABSENT, MISSING, Simulated
from radiant.domain.assembly import RegionClass
from radiant.domain.case import Sex

COLUMNS = ("locus", "gene", "origin", "determined", "zygosity", "kind", "story", "pair", "ad_alt")
"""Columns of `<family>.truth.tsv`; see `DIR/README.txt`."""

LOW_READS = 3
"""A call with fewer reads of its allele than this counts as unknown in the import."""


@dataclass(frozen=True, slots=True)
class ProbandAllele:
    """One ALT of a chunk's records in the proband; arrays have one item per record."""

    carried: NDArray[np.bool_]
    """Whether the proband's called genotype has the allele."""
    origin: list[str]
    """denovo, mother, father, both: the simulated origin, even if that parent is not in the VCF."""
    determined: list[bool]
    """Whether the called genotypes of proband and parents leave no other origin possible."""
    zygosity: list[str]
    """HET, HOM, HEM; UNK where one of two calls is missing."""


def carried(family: Family, region: RegionClass, simulated: Simulated, allele: int) -> ProbandAllele:
    """Return the proband's copies of one ALT number, with their origin."""
    true, called = simulated.true_calls[:, 0], simulated.calls[:, 0]
    from_mother = (true[:, 0] == allele) & (simulated.mutated != 0)
    from_father = (true[:, 1] == allele) & (simulated.mutated != 1)
    has = (called == allele).any(axis=1)
    copies = (called == allele).sum(axis=1)
    half = (called == MISSING).any(axis=1)
    single = (called == ABSENT).any(axis=1)
    origin = np.where(
        from_mother & from_father, "both", np.where(from_mother, "mother", np.where(from_father, "father", "denovo"))
    )
    zygosity = np.where(half, "UNK", np.where(single, "HEM", np.where(copies == 2, "HOM", "HET")))  # noqa: PLR2004
    return ProbandAllele(
        has, origin.tolist(), _determined(family, region, simulated, allele).tolist(), zygosity.tolist()
    )


def _determined(family: Family, region: RegionClass, simulated: Simulated, allele: int) -> NDArray[np.bool_]:
    calls = simulated.calls
    count = len(calls)
    children = len(family.kind.children)
    mother = children if family.kind.mother else None
    father = children + family.kind.mother if family.kind.father else None
    proband_male = family.members[0].sex is Sex.MALE

    def well_called(member: int | None) -> NDArray[np.bool_]:
        if member is None:
            return np.zeros(count, dtype=np.bool_)
        known = calls[:, member] >= 0
        reads = np.take_along_axis(simulated.depths[:, member], np.maximum(calls[:, member], 0).astype(np.intp), axis=1)
        enough = (reads >= LOW_READS) | ~known
        return (known | (calls[:, member] == ABSENT)).all(axis=1) & known.any(axis=1) & enough.all(axis=1)

    child_ok = well_called(0)
    if region is RegionClass.M or (region is RegionClass.X and proband_male):
        return child_ok & well_called(mother)
    if region is RegionClass.Y:
        return child_ok & well_called(father)
    if mother is None or father is None:
        return np.zeros(count, dtype=np.bool_)
    ok = child_ok & well_called(mother) & well_called(father)
    first, second = calls[:, 0, 0], calls[:, 0, 1]
    other = np.where(first == allele, second, first)
    this_m, this_f = (calls[:, mother] == allele).any(axis=1), (calls[:, father] == allele).any(axis=1)
    other_m = (calls[:, mother] == other[:, None]).any(axis=1)
    other_f = (calls[:, father] == other[:, None]).any(axis=1)
    ways = (this_m & other_f).astype(np.int8) + (this_f & other_m & (other != allele))
    # Without any way the allele is a de novo mutation: certain if neither parent has it.
    return ok & ((ways == 1) | ((ways == 0) & ~this_m & ~this_f) | ((ways == 0) & (this_m != this_f)))


def kind_of(region: RegionClass, origin: str) -> str:
    """Return the kind of an allele: de_novo, mitochondrial, x_linked, y_linked or inherited."""
    if origin == "denovo":
        return "de_novo"
    return {RegionClass.M: "mitochondrial", RegionClass.X: "x_linked", RegionClass.Y: "y_linked"}.get(
        region, "inherited"
    )
