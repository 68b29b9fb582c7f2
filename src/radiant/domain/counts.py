"""Counters as fields of a dataclass, added up over the parts of a file or the sites of a family."""

from dataclasses import fields
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")


def add_counts(counts: T, other: T) -> None:
    """Add the integer fields of another value to those of the first; a field that is a truth value stays.

    A new counter is added without being listed here.
    """
    for one in fields(counts):
        value = getattr(other, one.name)
        if isinstance(value, int) and not isinstance(value, bool):
            setattr(counts, one.name, getattr(counts, one.name) + value)
