"""One file through both readers and the lake."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from equivalence import compare
from radiant import lake
from radiant.domain.tables import CASE_TABLES
from radiant.settings import load_settings
from staging import NAMESPACE, case_load


def read_back(path: Path, home: Path) -> dict[str, list[dict[str, Any]]]:
    """Return a file's rows by table, as the lake has them after an import; both readers have to agree on them."""
    read = compare(path)
    assert read.error is None, read.error
    assert read.alone == 0, "the fast path reads no line"
    with lake.open_catalog(load_settings({"RADIANT_HOME": str(home)})) as catalog:
        refs = lake.ensure_tables(catalog, NAMESPACE)
        with lake.Stager(refs, 1, 1, "a") as stager:
            for name, table in read.tables.items():
                for batch in table.to_batches():
                    stager.write(name, batch)
            manifest = stager.finish()
        lake.commit_part(catalog, NAMESPACE, 1, [manifest], [case_load(1)], [], "commit")
        return {name: _rows(lake.case_rows(catalog, NAMESPACE, 1, name)) for name in CASE_TABLES}


def _rows(batches: Any) -> list[dict[str, Any]]:
    return [row for batch in batches for row in pa.record_batch(batch).to_pylist()]
