"""Numbers as VCF writes them, and the check of a field against its declaration.

Missing (`.`) is None, never 0. Python's own `int()` and `float()` would take `1_000` and Arabic digits too; these do
not.

Source: VCF 4.3, section 1.3 (data types) and 1.4.2 (Number and Type).
"""

import math
import re
from functools import lru_cache

from radiant.vcf.findings import BrokenRuleError, shown
from radiant.vcf.header.reserved import Declaration

INT_MIN = -(2**31) + 8
"""The eight values below are reserved by BCF."""
INT_MAX = 2**31 - 1
_CERTAINLY_TOO_LONG = 100
_SURELY_32_BITS = 10
"""A number with fewer digits needs no check of its range."""

_integer = re.compile(r"[+-]?[0-9]+").fullmatch
_float = re.compile(
    r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?inf(?:inity)?|[+-]?nan", re.IGNORECASE
).fullmatch


def integer(text: str, name: str, *, negative: bool = True) -> int | None:
    """Read an integer; `.` is None.

    Raises:
        BrokenRuleError: not an integer, outside 32 bits, or negative where that makes no sense.
    """
    if len(text) < _SURELY_32_BITS and text.isdecimal() and text.isascii():
        return int(text)
    if text == ".":
        return None
    if not _integer(text):
        rule, message = "not_an_integer", f"{name}={shown(text)} is not an integer"
        raise BrokenRuleError(rule, message)
    # Python refuses to read more than 4,300 digits.
    value = int(text) if len(text) < _CERTAINLY_TOO_LONG else INT_MAX + 1
    if not INT_MIN <= value <= INT_MAX:
        rule, message = "integer_range", f"{name}={shown(text)} is outside {INT_MIN} to {INT_MAX}"
        raise BrokenRuleError(rule, message)
    if value < 0 and not negative:
        rule, message = "negative", f"{name}={value} is negative"
        raise BrokenRuleError(rule, message)
    return value


def floating(text: str, name: str, *, negative: bool = True) -> float | None:
    """Read a float; `.` and NaN are None (neither is a measurement), infinities stay.

    Raises:
        BrokenRuleError: not a number, or negative where that makes no sense.
    """
    if text == ".":
        return None
    if not _float(text):
        rule, message = "not_a_number", f"{name}={shown(text)} is not a number"
        raise BrokenRuleError(rule, message)
    value = float(text)
    if math.isnan(value):
        return None
    if value < 0 and not negative:
        rule, message = "negative", f"{name}={shown(text)} is negative"
        raise BrokenRuleError(rule, message)
    return value


_plain_integers = re.compile(r"[0-9]{1,9}(?:,[0-9]{1,9})*").fullmatch


def integers(text: str, name: str) -> list[int | None]:
    """Read integers from 0 between commas; `.` is None.

    Raises:
        BrokenRuleError: as `integer` does for one of them.
    """
    if _plain_integers(text):
        return list(map(int, text.split(",")))
    return [integer(one, name, negative=False) for one in text.split(",")]


@lru_cache(maxsize=65536)
def expected_count(number: str, n_alts: int, ploidy: int) -> int | None:
    """Return how many values a Number asks for, None when any number is fine."""
    if number == "A":
        return n_alts
    if number == "R":
        return n_alts + 1
    if number == "G":
        return math.comb(n_alts + ploidy, ploidy)
    return int(number) if number.isdigit() else None


def _plainly_fine(text: str, kind: str, number: str, n_alts: int, ploidy: int) -> bool:
    """Return True for integers from 0 or one float, as many as Number asks for; False leaves it to the full check."""
    if kind == "Integer" and (wanted := expected_count(number, n_alts, ploidy)) is not None:
        return text.count(",") + 1 == wanted and _plain_integers(text) is not None
    if number != "1" and not (number == "A" and n_alts == 1):
        return False
    return kind == "Float" and text[:1] != "-" and _float(text) is not None


def check_declared(  # noqa: PLR0913 - what decides
    name: str, text: str | None, declaration: Declaration, n_alts: int, ploidy: int | None, *, negative: bool
) -> None:
    """Check one field that no column shows against its declaration.

    Text (String, Character with any Number) is not checked: a comma in an annotation does no harm.

    Args:
        name: The key.
        text: The value as written, None for a key without `=`.
        declaration: What the header or the specification says.
        n_alts: How many ALTs the line has.
        ploidy: Of the sample's genotype; None for INFO, where Number=G cannot be checked.
        negative: Whether numbers may be below 0.

    Raises:
        BrokenRuleError: another number of values, or not of the type.
    """
    kind = declaration.type
    if text is not None and _plainly_fine(text, kind, declaration.number, n_alts, ploidy or 2):
        return
    if kind == "Flag":
        if text not in {None, "0", "1"}:
            rule, message = "flag_value", f"{name}={shown(text or '')} has a value, but it is a flag"
            raise BrokenRuleError(rule, message)
        return
    if kind == "Character" and text is not None and declaration.number == "1" and len(text) != 1:
        rule, message = "not_a_character", f"{name}={shown(text)} is not one character"
        raise BrokenRuleError(rule, message)
    if kind not in {"Integer", "Float"} or text == ".":
        return
    if text is None:
        rule, message = "no_value", f"{name} has no value, but is declared {kind}"
        raise BrokenRuleError(rule, message)
    values = text.split(",")
    if declaration.number != "G" or ploidy is not None:
        expected = expected_count(declaration.number, n_alts, ploidy or 2)
        if expected is not None and len(values) != expected:
            rule = "value_count"
            message = f"{name}={shown(text)} has {len(values)} values, Number={declaration.number} asks for {expected}"
            raise BrokenRuleError(rule, message)
    read = integer if kind == "Integer" else floating
    for value in values:
        read(value, name, negative=negative)
