"""Row filters of Iceberg scans: the few forms that are needed, typed."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from pyiceberg.expressions import (
    AlwaysTrue,
    And,
    BooleanExpression,
    EqualTo,
    GreaterThanOrEqual,
    In,
    IsNull,
    LessThanOrEqual,
    NotIn,
    NotNull,
    Or,
)

from radiant.lake.file_layout import CASE_COLUMN, PARTITION_COLUMN

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

# PyIceberg's predicates take (column, value) by position, which their declared types lack.
# pyright: reportCallIssue=false


def equal(column: str, value: str | int | bool) -> BooleanExpression:  # noqa: FBT001 - a cell's value
    """Match rows whose column has this value."""
    return EqualTo(column, value)


def one_of(column: str, values: Iterable[str | int]) -> BooleanExpression:
    """Match rows whose column has one of these values."""
    return In(column, set(values))


def none_of(column: str, values: Iterable[str | int]) -> BooleanExpression:
    """Match rows whose column has none of these values."""
    return NotIn(column, set(values))


def at_most_or_null(column: str, value: float) -> BooleanExpression:
    """Match rows whose column is not above this value; a null is not above it."""
    return Or(IsNull(column), LessThanOrEqual(column, value))


def not_null(column: str) -> BooleanExpression:
    """Match rows whose column has a value."""
    return NotNull(column)


def rows_of(part: int, cases: Collection[int]) -> BooleanExpression:
    """Match the rows of these cases in a part."""
    return And(equal(PARTITION_COLUMN, part), one_of(CASE_COLUMN, cases))


def overlapping(chromosome: str, first: int | None, last: int | None) -> BooleanExpression:
    """Match rows whose reference allele touches this closed interval (1-based); None is the chromosome's own end."""
    return all_of(
        equal("chromosome", chromosome),
        AlwaysTrue() if first is None else GreaterThanOrEqual("end", first),
        AlwaysTrue() if last is None else LessThanOrEqual("start", last),
    )


def starting_within(chromosome: str, first: int, last: int) -> BooleanExpression:
    """Match rows whose reference allele begins in this closed interval (1-based)."""
    return all_of(equal("chromosome", chromosome), GreaterThanOrEqual("start", first), LessThanOrEqual("start", last))


def all_of(*filters: BooleanExpression) -> BooleanExpression:
    """Match rows that match every filter; all rows when there is none."""
    return reduce(And, filters, AlwaysTrue())


def any_of(*filters: BooleanExpression) -> BooleanExpression:
    """Match rows that match at least one filter; at least one is given."""
    return reduce(Or, filters)
