"""Which cases the files of a manifest may hold, in the manifest's header: a commit need not decode its entries.

A commit looks for files of its cases in all manifests, since a case may have moved from any part. Decoding an entry and
comparing its bounds takes some 50 µs, and a lake has one for each table of each case.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pyiceberg.manifest import DataFile

HEADER_KEY = "radiant.case-bounds"
"""In the header of a manifest, beside Iceberg's own keys; a manifest that another engine wrote has none."""

Bounds = tuple[int, int]
"""The smallest and the largest case id, both included."""


def bounds_of(data_file: DataFile, case_field: int) -> Bounds | None:
    """Return which cases a data file may hold, None when its writer kept no bounds.

    Args:
        data_file: Of a manifest.
        case_field: Field id of the table's `case_id`.
    """
    lower, upper = (data_file.lower_bounds or {}).get(case_field), (data_file.upper_bounds or {}).get(case_field)
    return None if lower is None or upper is None else (number(lower), number(upper))


def number(bound: bytes) -> int:
    """Return a bound of an int or a long. Source: Iceberg table specification, binary single-value serialization."""
    return int.from_bytes(bound, "little", signed=True)


def in_bounds(bounds: Bounds | None, cases: Sequence[int]) -> bool:
    """Return whether a row of one of these cases can be within bounds; without bounds it can.

    Args:
        bounds: Of a data file.
        cases: Ascending.
    """
    if bounds is None:
        return True
    first, last = bounds
    at = bisect_left(cases, first)
    return at < len(cases) and cases[at] <= last


def encode(files: Iterable[Bounds]) -> str:
    """Return the bounds of a manifest's files as JSON, ascending, those side by side as one."""
    joined: list[list[int]] = []
    for first, last in sorted(files):
        if joined and first <= joined[-1][1] + 1:
            joined[-1][1] = max(last, joined[-1][1])
        else:
            joined.append([first, last])
    return json.dumps(joined, separators=(",", ":"))


def may_hold(encoded: bytes, cases: Sequence[int]) -> bool:
    """Return whether a file of a manifest can hold a row of one of these cases.

    Args:
        encoded: From `encode`.
        cases: Ascending.
    """
    return any(in_bounds((first, last), cases) for first, last in json.loads(encoded))
