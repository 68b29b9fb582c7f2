"""REF and ALT of a record, over a made-up reference sequence that is the same for every family and seed."""

from collections.abc import Callable
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

WINDOW = 13
"""Reference bases that a record may depend on, its own position first."""

MAX_REF = 12
"""Longest REF."""


class Shape(IntEnum):
    """Kind of a record: the number and kinds of its ALTs."""

    SNV = 0
    INSERTION = 1
    DELETION = 2
    MNV = 3
    TWO_SNVS = 4
    """`A > C,T`"""
    TWO_DELETIONS = 5
    """`CAAG > C,CG`: the second is not in its shortest form."""
    SNV_AND_DELETION = 6
    """`GT > AT,G`: the first is not in its shortest form."""
    SNV_AND_INSERTION = 7
    """`A > T,ATG`"""
    THREE_SNVS = 8
    """`A > C,G,T`"""
    SPANNING = 9
    """`A > G,*` or `A > *,G` inside the deletion of the record before."""
    SHARED_PREFIX = 10
    """`GTC > GTG,G`: the first starts two bases later in its shortest form."""


ALT_COUNT = np.array([1, 1, 1, 1, 2, 2, 2, 2, 3, 2, 2], dtype=np.int8)
"""ALT alleles by `Shape`."""

SHARES = np.array([0.845, 0.04, 0.05, 0.005, 0.02, 0.01, 0.008, 0.004, 0.003, 0.0, 0.005])
"""Frequency of each `Shape`; `SPANNING` follows a deletion by rule, not by draw. The rest are SNVs."""

_TRANSITION = {"A": "G", "G": "A", "C": "T", "T": "C"}
_TRANSVERSIONS = {"A": "CT", "G": "CT", "C": "AG", "T": "AG"}


def reference_windows(contig_number: int, positions: NDArray[np.int64]) -> str:
    """Return the `WINDOW` reference bases at each position, one after the other.

    A base depends on chromosome and position alone (splitmix64 of both), so overlapping records and different
    families agree.
    """
    places = positions[:, None] + np.arange(WINDOW, dtype=np.int64)[None, :]
    mixed = places.astype(np.uint64) + np.uint64(contig_number << 32)
    mixed = (mixed + np.uint64(0x9E3779B97F4A7C15)) * np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(0x94D049BB133111EB)
    codes = (mixed >> np.uint64(62)).astype(np.intp)
    return np.frombuffer(b"ACGT", dtype=np.uint8)[codes].tobytes().decode("ascii")


def _deletion_end(bases: str, wanted: int) -> int:
    """Return the number of bases to delete after the first, so that the deletion cannot be written further left.

    It is `wanted` or the next length that fits; `wanted` where only repeats of the first base follow.
    """
    for length in range(wanted, MAX_REF):
        if bases[length] != bases[0]:
            return length
    return wanted


def _inserted(base: str, entropy: int) -> str:
    """Return 1 to 6 bases whose last is not the base before them: such an insertion cannot be written further left."""
    length = 1 + (entropy & 7) % 6
    digits = [(entropy >> (3 + 2 * index)) & 3 for index in range(length)]
    last = "ACGT".replace(base, "")[(entropy >> 17) % 3]
    return "".join("ACGT"[digit] for digit in digits[:-1]) + last


def _snv(base: str, entropy: int) -> str:
    """Return another base: a transition in two of three cases, as in real genomes."""
    if entropy % 3:
        return _TRANSITION[base]
    return _TRANSVERSIONS[base][(entropy >> 8) & 1]


def _other_snvs(base: str, snv: str) -> str:
    return "ACGT".replace(base, "").replace(snv, "")


def _deletion(bases: str, entropy: int) -> tuple[str, tuple[str, ...]]:
    return bases[: _deletion_end(bases, 1 + entropy % 9) + 1], (bases[0],)


def _two_deletions(bases: str, entropy: int) -> tuple[str, tuple[str, ...]]:
    end = _deletion_end(bases, 2 + entropy % 6)
    return bases[: end + 1], (bases[0], bases[0] + bases[end])


def _snv_and_deletion(bases: str, entropy: int) -> tuple[str, tuple[str, ...]]:
    end = _deletion_end(bases, 1 + entropy % 3)
    return bases[: end + 1], (_snv(bases[0], entropy) + bases[1 : end + 1], bases[0])


def _two_snvs(bases: str, entropy: int) -> tuple[str, tuple[str, ...]]:
    snv = _snv(bases[0], entropy)
    return bases[0], (snv, _other_snvs(bases[0], snv)[(entropy >> 5) & 1])


def _spanning(bases: str, entropy: int) -> tuple[str, tuple[str, ...]]:
    snv = _snv(bases[0], entropy)
    return bases[0], (("*", snv) if entropy & STAR_FIRST else (snv, "*"))


STAR_FIRST = 16
"""The bit of `entropy` that puts `*` first."""

_BUILDERS: dict[int, Callable[[str, int], tuple[str, tuple[str, ...]]]] = {
    Shape.SNV: lambda bases, entropy: (bases[0], (_snv(bases[0], entropy),)),
    Shape.INSERTION: lambda bases, entropy: (bases[0], (bases[0] + _inserted(bases[0], entropy),)),
    Shape.DELETION: _deletion,
    Shape.MNV: lambda bases, entropy: (bases[:2], (_snv(bases[0], entropy) + _snv(bases[1], entropy >> 4),)),
    Shape.TWO_SNVS: _two_snvs,
    Shape.TWO_DELETIONS: _two_deletions,
    Shape.SNV_AND_DELETION: _snv_and_deletion,
    Shape.SNV_AND_INSERTION: lambda bases, entropy: (
        bases[0],
        (_snv(bases[0], entropy), bases[0] + _inserted(bases[0], entropy)),
    ),
    Shape.THREE_SNVS: lambda bases, entropy: (
        bases[0],
        tuple(sorted("ACGT".replace(bases[0], ""), reverse=bool(entropy & 1))),
    ),
    Shape.SPANNING: _spanning,
    Shape.SHARED_PREFIX: lambda bases, entropy: (bases[:3], (bases[:2] + _snv(bases[2], entropy >> 4), bases[0])),
}


def alleles(shape: int, bases: str, entropy: int) -> tuple[str, tuple[str, ...]]:
    """Return REF and the ALTs of a record.

    Args:
        shape: A `Shape`.
        bases: The `WINDOW` reference bases from the record's position; `SPANNING` needs fewer.
        entropy: At least 20 random bits.
    """
    return _BUILDERS[shape](bases, entropy)


def trim(position: int, reference: str, alternate: str) -> tuple[int, str, str]:
    """Return an allele in its shortest form: common bases dropped from the right, then from the left.

    Source: VCF specification 4.3, section 1.6.1 (REF, ALT); Tan, Abecasis, Kang 2015.
    """
    while len(reference) > 1 and len(alternate) > 1 and reference[-1] == alternate[-1]:
        reference, alternate = reference[:-1], alternate[:-1]
    while len(reference) > 1 and len(alternate) > 1 and reference[0] == alternate[0]:
        position, reference, alternate = position + 1, reference[1:], alternate[1:]
    return position, reference, alternate
