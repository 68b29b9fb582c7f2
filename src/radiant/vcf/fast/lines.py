"""The lines of a chunk as the fast path reads them: values that all later steps take."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from radiant.vcf.fast.allele_columns import LineAlts, Trimmed
from radiant.vcf.fast.csq_entry_columns import Entries
from radiant.vcf.fast.fallback_reason import Codes, FallbackReason
from radiant.vcf.fast.info_columns import Info
from radiant.vcf.fast.locus_columns import Loci
from radiant.vcf.fast.sample_columns import Formats, Samples
from radiant.vcf.findings import Piece
from radiant.vcf.text.chunks import Chunk
from radiant.vcf.vector.slices import Integers, Mask, Slices


@dataclass(frozen=True, eq=False)
class Skipped:
    """Lines that are surely skipped."""

    lines: Integers
    reason: str
    structural: Mapping[str, int] = field(default_factory=dict[str, int])
    """Their structural alleles by kind."""


@dataclass(frozen=True, eq=False)
class Kept:
    """Lines that may be kept or split. Arrays have one value per line unless said otherwise."""

    lines: Integers
    """Index in the chunk."""
    contig: Integers
    """Code among `Loci.names`."""
    pos: Integers
    region: Integers
    """Code of the region class."""
    id_: Slices
    alt: Slices
    """All ALTs as written."""
    quality: NDArray[np.float64]
    filter_: Integers
    """Code among `filters`."""
    filters: list[list[str] | None]
    alts: LineAlts
    info: Info
    samples: Sequence[Samples]
    formats: Formats | None
    entries: Entries | None
    refers: int | None
    """Which field of an entry may say that its effect is written at another position; None for none."""
    stored: Integers
    """Indexes of the ALTs (`alts.alts`) that are sequences."""
    trimmed: Trimmed
    """Of the stored ALTs."""
    pieces: Sequence[tuple[int, Piece]]
    """Pieces left out with the index of the line among these, in the order of the rules."""
    codes: Codes
    """Why a line is left to the rules, see `fallback_reason`."""
    ok: Mask
    """Lines that are not left to the rules for what they hold; a neighbour may be another reason."""


@dataclass(frozen=True, eq=False)
class FastLines:
    """The lines of a chunk as the fast path reads them."""

    chunk: Chunk
    loci: Loci
    skipped: Sequence[Skipped]
    kept: Kept | None
    ok: Mask
    """Kept lines that are surely read as the rules read them."""
    fallback: Integers
    """Lines of the chunk that are left to the rules, ascending."""
    reasons: Mapping[str, int]
    """How many lines are left to the rules, by `FallbackReason`."""
    in_order: bool
    """Whether the lines are sorted and may follow those before them; if not, all are left to the rules."""

    @classmethod
    def none_of(cls, chunk: Chunk, loci: Loci, reason: FallbackReason) -> "FastLines":
        """Leave every line to the rules."""
        nothing = np.zeros(0, dtype=np.bool_)
        reasons = {reason.value: len(chunk)}
        return cls(chunk, loci, (), None, nothing, np.arange(len(chunk)), reasons, in_order=False)
