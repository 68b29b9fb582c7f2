"""How much memory the next import needs, fitted to those before it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress

ENOUGH = 20
"""Imports from which a bound is fitted; with fewer there is none."""
MARGIN = 1.25
"""Requests are the bound times this."""
FLOOR_MIB = 256
_STEP_MIB = 64
_MIB = 1 << 20
_REACH = 1.5
"""Files and families up to this many times the largest one seen have a bound; beyond it the line is a guess."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One import that succeeded: what is known before it, and what it took."""

    vcf_bytes: int
    samples: int
    """Members of the case."""
    records: int
    peak_memory_mib: float
    wall_s: float
    cpu_s: float
    cpu: float | None = None
    """Cores requested; None where there was no limit."""
    memory_mib: int | None = None
    """Memory requested."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A plane above every observation: `base + per_mib x MiB of the file + per_sample x samples`."""

    base: float
    per_mib: float
    """0 where a larger file takes no more."""
    per_sample: float
    observations: int
    most_bytes: int
    """Largest file seen."""
    most_samples: int

    def at(self, vcf_bytes: int, samples: int) -> float | None:
        """Return the bound for a file, None where it is much larger than every file seen, or its family is."""
        if vcf_bytes > _REACH * self.most_bytes or samples > _REACH * self.most_samples:
            return None
        return self.base + self.per_mib * vcf_bytes / _MIB + self.per_sample * samples


def memory_bound(observations: Sequence[Observation]) -> Bound | None:
    """Return the bound of the peak of memory in MiB, None with fewer than `ENOUGH` observations."""
    return _fit(observations, [one.peak_memory_mib for one in observations])


def time_bound(observations: Sequence[Observation]) -> Bound | None:
    """Return the bound of the wall time in seconds, None with fewer than `ENOUGH` observations."""
    return _fit(observations, [one.wall_s for one in observations])


def memory_request(bound: Bound, vcf_bytes: int, samples: int, cap_mib: int) -> int | None:
    """Return the memory to request for a file: the bound x 1.25, in steps of 64 MiB, from 256 MiB to the cap.

    None where the file is beyond what the bound was fitted to.
    """
    peak = bound.at(vcf_bytes, samples)
    return None if peak is None else request_above(peak, cap_mib)


def request_above(peak_mib: float, cap_mib: int) -> int:
    """Return the memory to request for a peak: 300 MiB become 384."""
    wanted = math.ceil(peak_mib * MARGIN / _STEP_MIB) * _STEP_MIB
    return min(max(wanted, FLOOR_MIB), cap_mib)


def _fit(observations: Sequence[Observation], values: Sequence[float]) -> Bound | None:
    """Return least squares over size and samples, raised until no value is above it.

    A slope that would be negative is left out: a larger file never has a lower bound.
    """
    if len(observations) < ENOUGH:
        return None
    columns = [[one.vcf_bytes / _MIB for one in observations], [float(one.samples) for one in observations]]
    slopes = next(found for used in _USED if (found := _slopes(columns, values, used)) is not None)
    heights = [sum(slope * x for slope, x in zip(slopes, xs, strict=True)) for xs in zip(*columns, strict=True)]
    return Bound(
        base=max(value - height for value, height in zip(values, heights, strict=True)),
        per_mib=slopes[0],
        per_sample=slopes[1],
        observations=len(observations),
        most_bytes=max(one.vcf_bytes for one in observations),
        most_samples=max(one.samples for one in observations),
    )


_USED = ((True, True), (True, False), (False, True), (False, False))
"""Which of the two columns a fit uses, the richest first."""


def _slopes(
    columns: Sequence[Sequence[float]], values: Sequence[float], used: Sequence[bool]
) -> tuple[float, float] | None:
    """Return the slopes of least squares over some columns, 0 for the others; None where one is negative or unknown."""
    xs = [_centred(column) for column in compress(columns, used)]
    y = _centred(values)
    squares = [[_dot(left, right) for right in xs] for left in xs]
    products = [_dot(x, y) for x in xs]
    match len(xs):
        case 2:
            determinant = squares[0][0] * squares[1][1] - squares[0][1] ** 2
            if determinant <= 1e-9 * squares[0][0] * squares[1][1]:
                return None  # one column follows from the other
            found = [
                (products[0] * squares[1][1] - products[1] * squares[0][1]) / determinant,
                (products[1] * squares[0][0] - products[0] * squares[0][1]) / determinant,
            ]
        case 1:
            if not squares[0][0]:
                return None
            found = [products[0] / squares[0][0]]
        case _:
            found = []
    if any(slope < 0 for slope in found):
        return None
    left = iter(found)
    first, second = (next(left) if one else 0.0 for one in used)
    return first, second


def _centred(values: Sequence[float]) -> list[float]:
    mean = sum(values) / len(values)
    return [value - mean for value in values]


def _dot(left: Sequence[float], right: Sequence[float]) -> float:
    return sum(one * other for one, other in zip(left, right, strict=True))
