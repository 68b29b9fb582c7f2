"""`radiant sql`: views of the rows of visible cases, for other engines."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from radiant.cli.terminal import echo
from radiant.domain.columns import chosen_columns
from radiant.domain.tables import with_chosen_columns
from radiant.errors import ConfigError, InputError
from radiant.settings import load_settings


class EngineName(StrEnum):
    """An engine; `lake.sql_views.Engine`, without loading PyIceberg for the help text."""

    DUCKDB = "duckdb"
    SPARK = "spark"
    TRINO = "trino"
    STARROCKS = "starrocks"


_INSTEAD = {
    EngineName.SPARK: (
        "the views of spark last as long as its session. Write the statements to a file, `radiant sql --engine spark > "
        "views.sql`, and run it at the start of each session: `spark-sql -i views.sql`, or in Python `for statement in "
        "open('views.sql').read().split(';\\n')[:-1]: spark.sql(statement)`"
    ),
    EngineName.TRINO: (
        "radiant has no connection to trino. Write the statements to a file, `radiant sql --engine trino --catalog "
        "NAME > views.sql`, and run it once: `trino --server URL --file views.sql`; in Amazon Athena each statement is "
        "a query"
    ),
    EngineName.STARROCKS: (
        "radiant has no connection to starrocks. Write the statements to a file, `radiant sql --engine starrocks "
        "--catalog NAME > views.sql`, and run it once: `mysql -h HOST -P 9030 -u USER DATABASE < views.sql`"
    ),
}
"""How the views come into an engine that `--apply` does not reach."""


def sql(
    *,
    engine: Annotated[EngineName, typer.Option(help="Whose SQL. Amazon Athena takes that of trino.")],
    catalog: Annotated[
        str | None,
        typer.Option(
            help="The engine's name of the Iceberg catalog. Needed for trino and starrocks; without it, the statements "
            "for spark name the tables' metadata files of now. duckdb reads the data files of now."
        ),
    ] = None,
    apply: Annotated[
        Path | None, typer.Option(help="DuckDB: make the views in this database file instead of printing them.")
    ] = None,
) -> None:
    """Print statements that define views with the rows of visible cases alone: visible_occurrence, visible_variant, ...

    docs/reading.md shows their use in each engine.
    """
    if apply and engine is not EngineName.DUCKDB:
        msg = f"--apply makes the views in a database file of DuckDB, and {_INSTEAD[engine]}"
        raise InputError(msg)
    if catalog is None and engine in {EngineName.TRINO, EngineName.STARROCKS}:
        msg = f"{engine} reads the tables through a catalog: name it as {engine} does, with --catalog NAME"
        raise InputError(msg)
    if catalog is not None and engine is EngineName.DUCKDB:
        msg = "--catalog is not for duckdb, whose views name data files: leave it out"
        raise InputError(msg)
    statements = _statements(engine, catalog)
    if apply:
        _make(apply, statements)
        echo(f"{apply}: {len(statements)} views. Make them again after each import: they name the data files of now")
    else:
        for statement in statements:
            echo(f"{statement};")


def _statements(engine: EngineName, engine_catalog: str | None) -> list[str]:
    from radiant import lake  # noqa: PLC0415 - heavy, only here

    settings = load_settings()
    tables = with_chosen_columns(chosen_columns(settings.vcf.info_columns))
    namespace = settings.lake.namespace
    if engine_catalog is not None:
        return lake.catalog_views(lake.Engine(engine), engine_catalog, namespace, tables)
    make = lake.duckdb_views if engine is EngineName.DUCKDB else lake.spark_views_of_files
    with lake.open_catalog(settings) as catalog:
        return make(catalog, namespace, tables)


def _require_duckdb(database: Path) -> None:
    """Refuse a file of another program: DuckDB would load an extension to write into a SQLite file."""
    if not database.is_file():
        return
    with database.open("rb") as file:
        found = file.read(12)
    if found and not found.endswith(b"DUCK"):
        msg = f"{database} is no database of DuckDB, and stays as it is: name a new file, or one that DuckDB made"
        raise InputError(msg)


def _make(database: Path, statements: list[str]) -> None:
    try:
        import duckdb  # noqa: PLC0415 # pyright: ignore[reportMissingImports] - an extra
    except ImportError:
        msg = "--apply needs DuckDB: pip install 'radiant[duckdb]', or pipe the statements into a DuckDB of your own"
        raise ConfigError(msg) from None
    _require_duckdb(database)
    try:
        with duckdb.connect(str(database)) as connection:
            for statement in statements:
                connection.execute(statement)
    except duckdb.Error as error:
        msg = f"{database}: the views could not be made: {str(error).splitlines()[0]}"
        raise InputError(msg) from error
