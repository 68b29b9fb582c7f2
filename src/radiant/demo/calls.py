"""One sample column as text: GT:AD:DP:GQ:PL, with likelihoods from the reads."""

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

from radiant.demo.simulation import ABSENT, MISSING

FORMAT = "GT:AD:DP:GQ:PL"

_ERROR = 0.001
"""Chance that a read shows an allele that the person does not have."""

_MAX_GQ = 99
_READ_BITS = 12
_ALLELES = 4


def genotypes_of(ploidy: int, alleles: int) -> list[tuple[int, ...]]:
    """Return all genotypes in the order of Number=G.

    Source: VCF specification 4.3, section 1.6.2 (GL).
    """
    if ploidy == 1:
        return [(allele,) for allele in range(alleles)]
    return [(first, second) for second in range(alleles) for first in range(second + 1)]


@cache
def _read_weights(ploidy: int, alleles: int) -> tuple[tuple[float, ...], ...]:
    """Return, per genotype and allele, -10 log10 of the chance to read that allele."""
    return tuple(
        tuple(
            -10 * math.log10(sum(1 - _ERROR if allele == copy else _ERROR for copy in genotype) / ploidy)
            for allele in range(alleles)
        )
        for genotype in genotypes_of(ploidy, alleles)
    )


def likelihoods(ploidy: int, reads: tuple[int, ...]) -> list[int]:
    """Return PL: phred-scaled likelihoods of all genotypes given the reads per allele, the best 0."""
    scores = [
        sum(depth * weight for depth, weight in zip(reads, weights, strict=True))
        for weights in _read_weights(ploidy, len(reads))
    ]
    best = min(scores)
    return [round(score - best) for score in scores]


def call_text(calls: tuple[int, int], reads: tuple[int, ...]) -> str:
    """Return a sample column.

    Args:
        calls: Two alleles, `MISSING` or `ABSENT`; order does not matter.
        reads: Reads per allele, as many as the record has alleles.
    """
    present = [allele for allele in calls if allele != ABSENT]
    depths = ",".join(map(str, reads))
    if not present:
        return f".:{depths}:{sum(reads)}:.:."
    known = sorted(allele for allele in present if allele != MISSING)
    text = "/".join([str(allele) for allele in known] + ["."] * (len(present) - len(known)))
    if len(known) == 1 and len(present) == 2 and known[0] > 0:  # noqa: PLR2004 - diploid
        text = f"./{known[0]}"
    phred = likelihoods(len(present), reads)
    if not known:
        return f"{text}:{depths}:{sum(reads)}:.:{','.join(map(str, phred))}"
    quality = min(_MAX_GQ, sorted(phred)[1])
    return f"{text}:{depths}:{sum(reads)}:{quality}:{','.join(map(str, phred))}"


def call_keys(calls: NDArray[np.int8], reads: NDArray[np.int64], alleles: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pack calls, reads and number of alleles into one integer per record and member; most of them repeat."""
    keys = (
        (alleles[:, None] << 6) | ((calls[:, :, 0] + 2).astype(np.int64) << 3) | (calls[:, :, 1] + 2).astype(np.int64)
    )
    for allele in range(_ALLELES):
        keys = (keys << _READ_BITS) | reads[:, :, allele]
    return keys


class CallTexts(dict[int, str]):
    """Sample columns by `call_keys`, made at their first use."""

    def __missing__(self, key: int) -> str:
        """Make and store the text of a key; a large store is emptied first."""
        mask = (1 << _READ_BITS) - 1
        reads = tuple((key >> (_READ_BITS * (_ALLELES - 1 - allele))) & mask for allele in range(_ALLELES))
        head = key >> (_READ_BITS * _ALLELES)
        alleles = head >> 6
        if len(self) > 100_000:  # noqa: PLR2004 - about 25 MB
            self.clear()
        text = self[key] = call_text(((head >> 3 & 7) - 2, (head & 7) - 2), reads[:alleles])
        return text
