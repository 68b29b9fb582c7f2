"""The rows of `case_load`: one per visible case, one data file per part."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
from pydantic import TypeAdapter

from radiant.domain.tables import CASE_LOAD
from radiant.errors import CaseNotFoundError, LakeError
from radiant.lake.create import load_table
from radiant.lake.file_layout import CASE_COLUMN
from radiant.lake.filters import all_of, equal
from radiant.lake.scan import read_table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table as IcebergTable

    from radiant.lake.stage import Manifest

_JSON = TypeAdapter[object](object)
"""Writes JSON a fourth as long as the standard library: a commit writes that of a thousand reports."""


@dataclass(frozen=True, slots=True)
class CaseLoad:
    """The provenance of an imported case, beside its manifest."""

    case_id: int
    strategy: str
    """Experimental strategy."""
    assembly: str
    """GRCh38 or GRCh37."""
    vcf_uri: str
    radiant_version: str
    """The version that imported."""
    report: Mapping[str, object]
    """The import report, a JSON object."""
    vcf_size: int | None = None
    """Bytes."""
    vcf_sha256: str | None = None
    header_sha256: str | None = None
    caller: str | None = None
    """As the header states it."""
    vep_version: str | None = None
    """As the header states it."""
    image: str | None = None
    """Image digest, None for a local process."""


@dataclass(frozen=True, slots=True)
class VisibleCase:
    """A case that readers may see, as its row in `case_load` describes it."""

    case_id: int
    part: int
    load_id: str
    rows: dict[str, int]
    """By the table's short name."""
    snapshots: dict[str, int | None]
    """Snapshot that holds the rows, by the table's short name; None for a table that never had any."""
    digests: dict[str, str]
    """By the table's short name."""


def case_load_rows(  # noqa: PLR0913, PLR0917 - one row's sources, each needed
    loads: Mapping[int, CaseLoad],
    manifests: Mapping[int, Manifest],
    snapshots: Mapping[str, int | None],
    token: str,
    loaded_at: datetime,
    schema: pa.Schema,
) -> pa.Table:
    """Return the rows of these cases, ascending by case id, in the columns of `schema`."""
    rows = [
        {
            "part": manifests[case_id].part,
            "case_id": case_id,
            "load_id": manifests[case_id].load_id,
            "commit_token": token,
            "loaded_at": loaded_at,
            "strategy": load.strategy,
            "assembly": load.assembly,
            "vcf_uri": load.vcf_uri,
            "vcf_size": load.vcf_size,
            "vcf_sha256": load.vcf_sha256,
            "header_sha256": load.header_sha256,
            "caller": load.caller,
            "vep_version": load.vep_version,
            "radiant_version": load.radiant_version,
            "image": load.image,
            "rows": _dump(manifests[case_id].rows),
            "snapshots": _dump(snapshots),
            "digests": _dump(manifests[case_id].digests),
            "report": _dump(load.report),
        }
        for case_id, load in sorted(loads.items())
    ]
    return pa.Table.from_pylist(rows, schema=schema)


def load_rows(gate: IcebergTable) -> pa.Table:
    """Return all rows of `case_load` with all its columns, ascending by part and case id."""
    return read_table(gate, all_of()).sort_by([("part", "ascending"), (CASE_COLUMN, "ascending")])


def visible_cases(catalog: Catalog, namespace: str, case_id: int | None = None) -> dict[int, VisibleCase]:
    """Return the cases whose rows readers may see, ascending by id; with `case_id`, that one or none.

    Raises:
        LakeError: the catalog does not answer, or a case has two rows.
    """
    table = load_table(catalog, namespace, CASE_LOAD)
    if table is None:
        return {}
    rows = read_table(
        table,
        all_of() if case_id is None else equal(CASE_COLUMN, case_id),
        ("part", "case_id", "load_id", "rows", "snapshots", "digests"),
    )
    found: dict[int, VisibleCase] = {}
    for row in rows.sort_by(CASE_COLUMN).to_pylist():
        if row["case_id"] in found:
            raise _two_rows(namespace, row["case_id"])
        found[row["case_id"]] = VisibleCase(
            case_id=row["case_id"],
            part=row["part"],
            load_id=row["load_id"],
            rows=json.loads(row["rows"]),
            snapshots=json.loads(row["snapshots"]),
            digests=json.loads(row["digests"] or "{}"),
        )
    return found


def visible_loads(catalog: Catalog, namespace: str) -> dict[int, str]:
    """Return the load id of each case whose rows readers may see.

    Raises:
        LakeError: the catalog does not answer, or a case has two rows.
    """
    table = load_table(catalog, namespace, CASE_LOAD)
    if table is None:
        return {}
    rows = read_table(table, all_of(), ("case_id", "load_id"))
    found: dict[int, str] = {}
    for case_id, load_id in zip(rows["case_id"].to_pylist(), rows["load_id"].to_pylist(), strict=True):
        if case_id in found:
            raise _two_rows(namespace, case_id)
        found[case_id] = load_id
    return found


def _two_rows(namespace: str, case_id: int) -> LakeError:
    return LakeError(f"{namespace}.{CASE_LOAD.name} has two rows for case {case_id}. Import the case again")


def visible_case(catalog: Catalog, namespace: str, case_id: int) -> VisibleCase:
    """Return a case whose rows readers may see.

    Raises:
        CaseNotFoundError: the case was never imported, or is deleted.
        LakeError: the catalog does not answer.
    """
    found = visible_cases(catalog, namespace, case_id).get(case_id)
    if found is None:
        msg = (
            f"case {case_id} has no visible rows in namespace {namespace!r}: it was never imported, its import failed, "
            f"or it was removed. `radiant cases show {case_id}` has the reason"
        )
        raise CaseNotFoundError(msg)
    return found


def _dump(value: object) -> str:
    return _JSON.dump_json(value).decode()
