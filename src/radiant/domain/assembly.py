"""Human reference assemblies: primary contigs, their lengths, and where X and Y recombine.

Positions are 1-based and inclusive, as in VCF. Chromosomes are written without `chr`, the mitochondrial one as `M`.

Source: NCBI assembly reports GCF_000001405.25 (GRCh37) and GCF_000001405.26 (GRCh38).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from radiant.errors import InputError


class RegionClass(StrEnum):
    """The copies that a person has of a place in the genome, and the parents that pass them on."""

    AUTOSOME = "autosome"
    """Two copies, one from each parent."""
    PAR = "par"
    """Pseudoautosomal region of X or Y: inherited like an autosome whatever the sex."""
    X = "x"
    """X outside the PAR: one copy in males (from the mother), two in females."""
    Y = "y"
    """Y outside the PAR: one copy in males (from the father), none in females."""
    M = "m"
    """Mitochondrial: from the mother."""


CHROMOSOMES: tuple[str, ...] = (*(str(number) for number in range(1, 23)), "X", "Y", "M")
"""The primary contigs, in karyotypic order."""

_LENGTHS_38 = (
    248956422, 242193529, 198295559, 190214555, 181538259, 170805979, 159345973, 145138636, 138394717, 133797422,
    135086622, 133275309, 114364328, 107043718, 101991189, 90338345, 83257441, 80373285, 58617616, 64444167,
    46709983, 50818468, 156040895, 57227415, 16569,
)  # fmt: skip

_LENGTHS_37 = (
    249250621, 243199373, 198022430, 191154276, 180915260, 171115067, 159138663, 146364022, 141213431, 135534747,
    135006516, 133851895, 115169878, 107349540, 102531392, 90354753, 81195210, 78077248, 59128983, 63025520,
    48129895, 51304566, 155270560, 59373566, 16571,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Assembly:
    """One reference assembly."""

    name: str
    """`GRCh37` or `GRCh38`."""
    lengths: Mapping[str, int]
    """Greatest possible position per primary chromosome; for GRCh37's `M` the longer of the two in use."""
    pars: Mapping[str, tuple[tuple[int, int], ...]]
    """Pseudoautosomal intervals (first, last) of `X` and `Y`."""
    mitochondrial_lengths: frozenset[int]
    """Lengths a header may state for `M`: 16569 is the rCRS, 16571 is what UCSC's hg19 calls `chrM`."""

    def accepts_length(self, chromosome: str, length: int) -> bool:
        """Return whether a header's `##contig` length of a primary chromosome is this assembly's."""
        if chromosome == "M":
            return length in self.mitochondrial_lengths
        return self.lengths.get(chromosome) == length


GRCH38 = Assembly(
    name="GRCh38",
    lengths=dict(zip(CHROMOSOMES, _LENGTHS_38, strict=True)),
    pars={
        "X": ((10_001, 2_781_479), (155_701_383, 156_030_895)),
        "Y": ((10_001, 2_781_479), (56_887_903, 57_217_415)),
    },
    mitochondrial_lengths=frozenset({16569}),
)

GRCH37 = Assembly(
    name="GRCh37",
    lengths=dict(zip(CHROMOSOMES, _LENGTHS_37, strict=True)),
    pars={
        "X": ((60_001, 2_699_520), (154_931_044, 155_260_560)),
        "Y": ((10_001, 2_649_520), (59_034_050, 59_363_566)),
    },
    mitochondrial_lengths=frozenset({16569, 16571}),
)

ASSEMBLIES: Mapping[str, Assembly] = {assembly.name: assembly for assembly in (GRCH38, GRCH37)}
"""By name, the newer one first."""


def assembly_named(name: str) -> Assembly:
    """Find an assembly by its name.

    Raises:
        InputError: No such assembly.
    """
    try:
        return ASSEMBLIES[name]
    except KeyError:
        message = f"assembly {name!r} is unknown; a case's assembly is one of {', '.join(ASSEMBLIES)}"
        raise InputError(message) from None


_CANONICAL: Mapping[str, str] = {
    **{chromosome: chromosome for chromosome in CHROMOSOMES},
    **{f"chr{chromosome}": chromosome for chromosome in CHROMOSOMES},
    "MT": "M",
    "chrMT": "M",
}


def canonical_chromosome(name: str) -> str | None:
    """Name a contig as radiant does: without `chr`, the mitochondrial one as `M`.

    Returns:
        `1` to `22`, `X`, `Y` or `M`; None when the contig is not a primary one (scaffold, decoy, HLA, alternate locus).
    """
    return _CANONICAL.get(name)


def assembly_of_lengths(lengths: Mapping[str, int]) -> str | None:
    """Find the assembly by the `##contig` lengths of a header.

    Args:
        lengths: Contig name as the header writes it, and its length; contigs without a length left out.

    Returns:
        `GRCh37` or `GRCh38` when at least one primary chromosome other than `M` has that assembly's length and none
        another; None when the header does not state it.
    """
    primary = {
        chromosome: length for name, length in lengths.items() if (chromosome := canonical_chromosome(name)) is not None
    }
    telling = {chromosome: length for chromosome, length in primary.items() if chromosome != "M"}
    for assembly in ASSEMBLIES.values():
        if telling and all(assembly.accepts_length(chromosome, length) for chromosome, length in telling.items()):
            return assembly.name
    return None


def region_class(assembly: str, chromosome: str, start: int) -> RegionClass:
    """Classify a place by its ploidy and inheritance.

    Args:
        assembly: `GRCh37` or `GRCh38`.
        chromosome: Canonical name, see `canonical_chromosome`.
        start: 1-based position of the first reference base; it alone decides at the edge of a PAR.

    Raises:
        InputError: No such assembly.
    """
    if chromosome == "M":
        return RegionClass.M
    if chromosome not in {"X", "Y"}:
        return RegionClass.AUTOSOME
    if any(first <= start <= last for first, last in assembly_named(assembly).pars[chromosome]):
        return RegionClass.PAR
    return RegionClass.X if chromosome == "X" else RegionClass.Y
