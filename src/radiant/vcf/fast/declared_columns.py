"""INFO values of many lines beside the declaration of their key; the rules: `vcf.rules.values.check_declared`."""

import numpy as np

from radiant.vcf.header import reserved
from radiant.vcf.rules import values
from radiant.vcf.rules.info import CHECKED_TEXT
from radiant.vcf.vector import numbers
from radiant.vcf.vector.slices import Integers, Mask, Slices, encoded, split


def surely_fit(name: str, declaration: reserved.Declaration, n_alts: Integers, value: Slices, has_value: Mask) -> Mask:
    """Return which INFO fields of a key surely fit its declaration.

    Args:
        name: The key.
        declaration: What it is declared to be.
        n_alts: How many ALTs each value may be about.
        value: What each field has after its equals sign.
        has_value: Whether there is one.
    """
    fits = np.ones(len(value), dtype=np.bool_)
    if name in CHECKED_TEXT:
        codes, texts = encoded(value.strings())
        fits = ~has_value | np.array([CHECKED_TEXT[name](text) for text in texts], dtype=np.bool_)[codes]
    if declaration.type == "String":
        return fits
    if declaration.type == "Flag":
        return fits & (~has_value | value.equals("0") | value.equals("1"))
    if declaration.type == "Character":
        return fits & (~has_value | (value.length == 1)) if declaration.number == "1" else fits
    some = np.flatnonzero(has_value & ~value.equals("."))
    pieces = split(value[some], value.buffer.find(","))
    fits &= has_value
    if declaration.number != "G":
        fits[some] &= pieces.count == expected(declaration.number, n_alts[some], pieces.count)
    read = numbers.integers if declaration.type == "Integer" else numbers.floats
    _, ok = read(pieces.items, negative=name not in reserved.NOT_NEGATIVE)
    fits[some[pieces.owner[~ok]]] = False
    return fits


def expected(number: str, n_alts: Integers, found: Integers) -> Integers:
    """Return how many values a Number (not G) asks for on each line, as many as found where any number is fine."""
    if number == "A":
        return n_alts
    if number == "R":
        return n_alts + 1
    fixed = values.expected_count(number, 1, 2)
    return found if fixed is None else np.full(len(found), fixed)
