"""Numbers out of pieces of text.

Every function returns `ok` beside the numbers: the pieces that it reads, each as the number that it spells. Pieces that
files hardly have (ten digits, infinities) are not `ok`; the caller reads these another way.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from radiant.vcf.vector.slices import WORD, Integers, Mask, Slices, Words

# pyarrow makes its compute functions at run time.
# pyright: reportAttributeAccessIssue=false

MISSING = np.int64(-(2**62))
"""What stands for `.`; no number of a VCF is so small."""

_ZEROS = np.uint64(0x3030303030303030)
_HIGH_HALVES = np.uint64(0xF0F0F0F0F0F0F0F0)
_SIXES = np.uint64(0x0606060606060606)
_THREES = np.uint64(0x3333333333333333)
_PAIRS = np.uint64(0x000000FF000000FF)
_DOT, _MINUS = ord("."), ord("-")
_FILL: Words = np.array([0x3030303030303030 & ((1 << (8 * (WORD - n))) - 1) for n in range(WORD + 1)], dtype=np.uint64)
"""By length: the zero characters to put in front."""


def _eight_digits(words: Words, length: Integers) -> tuple[Integers, Mask]:
    """Read up to eight digits that stand in the low bytes of a word.

    1397      31 33 39 37  .  .  .  .      the word's bytes, the lowest first
    shifted   30 30 30 30 31 33 39 37      digits moved up, the character 0 in front: all eight bytes are digits
    digits     0  0  0  0  1  3  9  7      minus the character 0
    pairs      0     0    13    97         each byte times 10 plus the next
    value     1397                         pairs times 1000000, 10000, 100 and 1, added by two multiplications
    """
    shift = ((WORD - np.clip(length, 1, WORD)) * 8).astype(np.uint64)
    filled = (words << shift) | _FILL[np.clip(length, 0, WORD)]
    ok = (filled & _HIGH_HALVES) | (((filled + _SIXES) & _HIGH_HALVES) >> np.uint64(4))
    value = filled - _ZEROS
    value = value * np.uint64(10) + (value >> np.uint64(8))
    high = (value & _PAIRS) * np.uint64(0x000F424000000064)
    low = ((value >> np.uint64(16)) & _PAIRS) * np.uint64(0x0000271000000001)
    return ((high + low) >> np.uint64(32)).astype(np.int64), (ok == _THREES) & (length > 0)


def whole_numbers(pieces: Slices) -> tuple[Integers, Mask]:
    """Read pieces of 1 to 9 digits."""
    length = pieces.length
    value, ok = _eight_digits(pieces.word(), np.minimum(length, WORD))
    if (length > WORD).any():
        nine = np.flatnonzero(length == WORD + 1)
        last = pieces[nine].byte(WORD).astype(np.int64) - ord("0")
        value[nine] = value[nine] * 10 + last
        ok[nine] &= (last >= 0) & (last <= 9)  # noqa: PLR2004 - a digit
        ok &= length <= WORD + 1
    return value, ok


def integers(pieces: Slices, *, negative: bool = False) -> tuple[Integers, Mask]:
    """Read integers of up to 9 digits; `.` is MISSING. Signs only where numbers may be negative."""
    value, ok = whole_numbers(pieces)
    if ok.all():
        return value, ok
    first = pieces.byte(0)
    rest = ~ok & (pieces.length > 0)
    dots = np.flatnonzero(rest & (pieces.length == 1) & (first == _DOT))
    value[dots] = MISSING
    ok[dots] = True
    if negative:
        signed = np.flatnonzero(rest & (first == _MINUS))
        some = pieces[signed]
        found, fine = whole_numbers(Slices(some.buffer, some.start + 1, some.end))
        value[signed] = -found
        ok[signed] = fine
    return value, ok


def floats(pieces: Slices, *, negative: bool = True) -> tuple[NDArray[np.float64], Mask]:
    """Read decimal numbers, correctly rounded to 64 bits; `.` is NaN.

    Infinite numbers are not `ok`: `inf`, or a number that is too large.
    """
    dots = (pieces.length == 1) & (pieces.byte(0) == _DOT) if len(pieces) else np.zeros(0, dtype=np.bool_)
    strings = pieces.strings(dots)
    ok: Mask = np.ones(len(pieces), dtype=np.bool_)
    try:
        value = _doubles(strings)
    except pa.ArrowInvalid:  # rare: find out which
        ok = np.asarray(pc.match_substring_regex(strings, pattern=_DECIMAL).fill_null(True))  # noqa: FBT003 - the value
        value = np.full(len(pieces), np.nan)
        value[ok] = _doubles(strings.filter(pa.array(ok)))
    ok &= np.isfinite(value) | dots
    if not negative:
        with np.errstate(invalid="ignore"):
            ok &= ~(value < 0)
    return value, ok


_DECIMAL = r"^-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$"


def _doubles(strings: pa.StringArray) -> NDArray[np.float64]:
    """Return numbers; nulls become NaN."""
    return np.array(strings.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)
