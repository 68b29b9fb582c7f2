"""SQL statements that define views with the rows of visible cases alone: `visible_occurrence`, `visible_variant`, ...

A row counts if `case_load` has a row of its case and part. The views have the declared columns in their order, `locus`
included, which is computed, and without the nulls that stand for another column's value (`source_pos`). `locus_hash` is
not in them, since no SQL engine has its function.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from radiant.domain.columns import Type
from radiant.domain.tables import CASE_LOAD, CASE_TABLES
from radiant.errors import LakeError
from radiant.lake.computed import LOCUS, LOCUS_HASH, SOURCES
from radiant.lake.create import load_table
from radiant.lake.filters import all_of
from radiant.lake.scan import plan

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table as IcebergTable

    from radiant.domain.columns import Table

PREFIX = "visible_"
"""The name of a view is this and the table's short name."""


class Engine(StrEnum):
    """An engine that reads the tables by SQL."""

    DUCKDB = "duckdb"
    SPARK = "spark"
    TRINO = "trino"
    """Trino and Amazon Athena."""
    STARROCKS = "starrocks"


@dataclass(frozen=True, slots=True)
class _Dialect:
    quote: str
    text_type: str
    create: str

    def name(self, *parts: str) -> str:
        return ".".join(f"{self.quote}{part}{self.quote}" for part in parts)


_DIALECTS = {
    Engine.DUCKDB: _Dialect('"', "VARCHAR", "CREATE OR REPLACE VIEW"),
    Engine.SPARK: _Dialect("`", "STRING", "CREATE OR REPLACE TEMPORARY VIEW"),
    Engine.TRINO: _Dialect('"', "VARCHAR", "CREATE OR REPLACE VIEW"),
    Engine.STARROCKS: _Dialect("`", "VARCHAR", "CREATE OR REPLACE VIEW"),
}

_DUCKDB_TYPES = {
    Type.BOOLEAN: "BOOLEAN",
    Type.INT: "INTEGER",
    Type.LONG: "BIGINT",
    Type.FLOAT: "FLOAT",
    Type.DOUBLE: "DOUBLE",
    Type.STRING: "VARCHAR",
    Type.INTS: "INTEGER[]",
    Type.STRINGS: "VARCHAR[]",
    Type.STRING_MAP: "MAP(VARCHAR, VARCHAR)",
    Type.TIMESTAMP: "TIMESTAMP WITH TIME ZONE",
}


def catalog_views(
    engine: Engine, engine_catalog: str, namespace: str, tables: Mapping[str, Table] = CASE_TABLES
) -> list[str]:
    """Return statements for an engine that has the tables in a catalog; nothing is read.

    Trino stores the views beside the tables, StarRocks in its current database; those of Spark last as long as its
    session, since most catalogs of Iceberg store no views.

    Args:
        engine: Not DuckDB.
        engine_catalog: The engine's name of the catalog.
        namespace: Of the tables.
        tables: Declarations of the case tables, by short name.
    """
    dialect = _DIALECTS[engine]
    place = (engine_catalog, *namespace.split("."))
    own = place if engine is Engine.TRINO else ()
    return [
        _view(
            dialect,
            dialect.name(*own, f"{PREFIX}{short}"),
            table,
            dialect.name(*place, table.name),
            dialect.name(*place, CASE_LOAD.name),
        )
        for short, table in tables.items()
    ]


def spark_views_of_files(catalog: Catalog, namespace: str, tables: Mapping[str, Table] = CASE_TABLES) -> list[str]:
    """Return statements for Spark without a catalog: they name the tables' metadata files of now.

    Raises:
        LakeError: a table does not exist, or the catalog does not answer.
    """
    dialect = _DIALECTS[Engine.SPARK]
    named = [
        f"{dialect.create} {dialect.name(table.name)} USING iceberg OPTIONS (path {_text(found.metadata_location)})"
        for table, found in _existing(catalog, namespace, {**tables, CASE_LOAD.short_name: CASE_LOAD})
    ]
    load = dialect.name(CASE_LOAD.name)
    return named + [
        _view(dialect, dialect.name(f"{PREFIX}{short}"), table, dialect.name(table.name), load)
        for short, table in tables.items()
    ]


def duckdb_views(catalog: Catalog, namespace: str, tables: Mapping[str, Table] = CASE_TABLES) -> list[str]:
    """Return statements for DuckDB: they name the data files of now and need no extension.

    Raises:
        LakeError: a table does not exist, another engine marked rows of it as deleted, which `read_parquet` would show,
            or the catalog does not answer.
    """
    dialect = _DIALECTS[Engine.DUCKDB]
    statements: list[str] = []
    for table, found in _existing(catalog, namespace, {CASE_LOAD.short_name: CASE_LOAD, **tables}):
        tasks = plan(found, all_of())
        if any(task.delete_files for task in tasks):
            msg = (
                f"{namespace}.{table.name}: another engine marked rows as deleted, which DuckDB's read_parquet would "
                "show. Rewrite the table's data files there, or use another engine"
            )
            raise LakeError(msg)
        paths = [task.file.file_path.removeprefix("file://") for task in tasks]
        statements.append(f"{dialect.create} {dialect.name(table.name)} AS {_duckdb_rows(dialect, table, paths)}")
    load = dialect.name(CASE_LOAD.name)
    return statements + [
        _view(dialect, dialect.name(f"{PREFIX}{short}"), table, dialect.name(table.name), load)
        for short, table in tables.items()
    ]


def _duckdb_rows(dialect: _Dialect, table: Table, paths: Sequence[str]) -> str:
    """Return a query of Parquet files that has each stored column, even one that no file has."""
    nulls = (f"CAST(NULL AS {_DUCKDB_TYPES[one.type]}) AS {dialect.name(one.name)}" for one in table.stored_columns)
    none = f"SELECT {', '.join(nulls)} WHERE false"
    if not paths:
        return none
    files = ", ".join(map(_text, paths))
    return f"{none} UNION ALL BY NAME SELECT * FROM read_parquet([{files}], union_by_name = true)"  # noqa: S608 - quoted


def _view(dialect: _Dialect, view: str, table: Table, rows: str, load: str) -> str:
    columns = ", ".join(_columns(dialect, table))
    return (
        f"{dialect.create} {view} AS SELECT {columns} FROM {rows} AS t JOIN {load} AS l "  # noqa: S608 - of declarations
        "ON l.part = t.part AND l.case_id = t.case_id"
    )


def _columns(dialect: _Dialect, table: Table) -> Iterator[str]:
    for column in table.columns:
        quoted = dialect.name(column.name)
        if column.name == LOCUS:
            parts = (f"t.{dialect.name(name)}" for name in SOURCES)
            texts = ", ".join(f"CAST({part} AS {dialect.text_type})" for part in parts)
            yield f"concat_ws('-', {texts}) AS {quoted}"
        elif column.same_as is not None:
            yield f"COALESCE(t.{quoted}, t.{dialect.name(column.same_as)}) AS {quoted}"
        elif column.name != LOCUS_HASH:
            yield f"t.{quoted}"


def _existing(catalog: Catalog, namespace: str, tables: Mapping[str, Table]) -> Iterator[tuple[Table, IcebergTable]]:
    for table in tables.values():
        found = load_table(catalog, namespace, table)
        if found is None:
            msg = f"{namespace}.{table.name} does not exist yet: the first import creates it"
            raise LakeError(msg)
        yield table, found


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
