"""Stage and commit random rows of cases, for tests of the lake."""

import json
from collections.abc import Iterable

import pyarrow as pa

from radiant import lake
from radiant.domain.tables import CASE_TABLES
from radiant.jobs.codec import decode, encode
from radiant.lake.computed import COMPUTED, compute, with_computed_fields
from random_rows import batch, columns_of

NAMESPACE = "radiant"


def stage(  # noqa: PLR0913 - tests vary each
    refs, case_id: int, load_id: str, *, part: int = 1, rows: int = 20, seed: int | None = None
) -> lake.Manifest:
    """Stage a case as a worker does: references and manifest cross as JSON."""
    refs = {name: lake.TableRef.from_json(json.loads(json.dumps(ref.to_json()))) for name, ref in refs.items()}
    with lake.Stager(refs, part, case_id, load_id) as stager:
        for name in CASE_TABLES:
            stager.write(name, batch(name, rows, case_id if seed is None else seed))
        manifest = stager.finish()
    return decode(lake.Manifest, encode(manifest), where="here", what="a manifest", remedy="")


def case_load(case_id: int) -> lake.CaseLoad:
    return lake.CaseLoad(
        case_id=case_id,
        strategy="wgs",
        assembly="GRCh38",
        vcf_uri=f"file:///data/{case_id}.vcf.gz",
        radiant_version="0",
        report={"lines": {"read": 1}},
    )


def commit(
    catalog, manifests: Iterable[lake.Manifest], token: str, *, part: int = 1, deleted: Iterable[int] = ()
) -> lake.CommitReport:
    manifests = list(manifests)
    loads = [case_load(manifest.case_id) for manifest in manifests]
    return lake.commit_part(catalog, NAMESPACE, part, manifests, loads, list(deleted), token)


def raw_rows(catalog, short_name: str) -> pa.Table:
    """All rows of a table as any Iceberg reader sees them, by case and part; not through `case_load`."""
    table = catalog.load_table((NAMESPACE, CASE_TABLES[short_name].name))
    return table.scan().to_arrow().sort_by([("case_id", "ascending"), ("part", "ascending")])


def as_read(stored: pa.Table, short_name: str) -> pa.Table:
    """Rows of a data file as readers see them: declared columns but the key, the ones not stored computed."""
    assert set(stored.schema.names).isdisjoint(COMPUTED)
    names = [column.name for column in columns_of(CASE_TABLES[short_name])]
    batches = [compute(one, names) for one in stored.to_batches()]
    return pa.Table.from_batches(batches, with_computed_fields(stored.schema, names))


def counts(catalog, short_name: str = "occurrence") -> dict[tuple[int, int], int]:
    """Rows of a table by (part, case)."""
    found: dict[tuple[int, int], int] = {}
    for row in raw_rows(catalog, short_name).select(["part", "case_id"]).to_pylist():
        found[row["part"], row["case_id"]] = found.get((row["part"], row["case_id"]), 0) + 1
    return found


def read(catalog, case_id: int, short_name: str = "occurrence") -> list[dict]:
    """A case's rows as readers see them, in order."""
    return [row for part in lake.case_rows(catalog, NAMESPACE, case_id, short_name) for row in part.to_pylist()]
