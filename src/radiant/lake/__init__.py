"""Arrow -> Iceberg: stage, commit, read, maintain; reads no VCF.

Workers without catalog credentials stage Parquet files (`Stager`); one committer per part makes them visible
(`commit_part`); readers go through `case_load` (`case_rows`, `variants`).

What stages is imported at once; the rest, which needs PyIceberg (50 MiB, half a second), when it is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from radiant.lake.digest import RowDigest
from radiant.lake.stage import Manifest, Stager, missing_files
from radiant.lake.table_ref import StoredTableRef, TableRef

if TYPE_CHECKING:
    from radiant.lake.case_load import CaseLoad, VisibleCase, visible_case, visible_cases, visible_loads
    from radiant.lake.catalog import embedded_file, open_catalog
    from radiant.lake.commit import CommitReport, commit_part, delete_staged
    from radiant.lake.create import TableChange, ensure_tables, table_changes
    from radiant.lake.erase import ErasedRows, erase_rows, names_of_other_rows, names_of_rows, table_roots
    from radiant.lake.maintain import Cutoffs, Freed, TableMaintenance, maintain_tables
    from radiant.lake.overview import TableOverview, table_overview
    from radiant.lake.pointers import (
        LostFiles,
        TablePointer,
        TablePointers,
        drop_lost_cases,
        lost_files,
        pointers_to_change,
        register_pointers,
        table_pointers,
    )
    from radiant.lake.sql_views import Engine, catalog_views, duckdb_views, spark_views_of_files
    from radiant.lake.variant_query import VariantQuery, lacks_frequencies, result_schema, variants
    from radiant.lake.visible_rows import case_rows

__all__ = [
    "CaseLoad",
    "CommitReport",
    "Cutoffs",
    "Engine",
    "ErasedRows",
    "Freed",
    "LostFiles",
    "Manifest",
    "RowDigest",
    "Stager",
    "StoredTableRef",
    "TableChange",
    "TableMaintenance",
    "TableOverview",
    "TablePointer",
    "TablePointers",
    "TableRef",
    "VariantQuery",
    "VisibleCase",
    "case_rows",
    "catalog_views",
    "commit_part",
    "delete_staged",
    "drop_lost_cases",
    "duckdb_views",
    "embedded_file",
    "ensure_tables",
    "erase_rows",
    "lacks_frequencies",
    "lost_files",
    "maintain_tables",
    "missing_files",
    "names_of_other_rows",
    "names_of_rows",
    "open_catalog",
    "pointers_to_change",
    "register_pointers",
    "result_schema",
    "spark_views_of_files",
    "table_changes",
    "table_overview",
    "table_pointers",
    "table_roots",
    "variants",
    "visible_case",
    "visible_cases",
    "visible_loads",
]

_MODULES = {
    "CaseLoad": "case_load",
    "CommitReport": "commit",
    "Cutoffs": "maintain",
    "Engine": "sql_views",
    "ErasedRows": "erase",
    "Freed": "maintain",
    "LostFiles": "pointers",
    "TableChange": "create",
    "TableMaintenance": "maintain",
    "TableOverview": "overview",
    "TablePointer": "pointers",
    "TablePointers": "pointers",
    "VariantQuery": "variant_query",
    "VisibleCase": "case_load",
    "case_rows": "visible_rows",
    "catalog_views": "sql_views",
    "commit_part": "commit",
    "delete_staged": "commit",
    "drop_lost_cases": "pointers",
    "duckdb_views": "sql_views",
    "embedded_file": "catalog",
    "ensure_tables": "create",
    "erase_rows": "erase",
    "lacks_frequencies": "variant_query",
    "lost_files": "pointers",
    "maintain_tables": "maintain",
    "names_of_other_rows": "erase",
    "names_of_rows": "erase",
    "open_catalog": "catalog",
    "pointers_to_change": "pointers",
    "register_pointers": "pointers",
    "result_schema": "variant_query",
    "spark_views_of_files": "sql_views",
    "table_changes": "create",
    "table_overview": "overview",
    "table_pointers": "pointers",
    "table_roots": "erase",
    "variants": "variant_query",
    "visible_case": "case_load",
    "visible_cases": "case_load",
    "visible_loads": "case_load",
}
"""Where the names are that are imported when they are first asked for; none is a module's, which would hide it."""


def __getattr__(name: str) -> object:
    module = _MODULES.get(name)
    if module is None:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(f"{__name__}.{module}"), name)
