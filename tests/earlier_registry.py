"""Registries as the code of earlier versions made them, with two cases: case 1 is imported, case 7 is registered."""

from pathlib import Path

import sqlalchemy as sa

_FOLDER = Path(__file__).parent / "earlier_registries"
VERSIONS = frozenset(int(file.stem.partition("-")[2]) for file in _FOLDER.glob("version-*.sql"))
_TYPES_OF_POSTGRESQL = {
    " DATETIME": " TIMESTAMP WITHOUT TIME ZONE",
    " DOUBLE": " DOUBLE PRECISION",
    "entry INTEGER": "entry SERIAL",
}
"""What a column of the SQLite registry that the files have is on PostgreSQL."""


def make_registry(engine: sa.Engine, version: int) -> None:
    """Make the tables and rows of a version in an empty database, SQLite or PostgreSQL."""
    on_postgresql = engine.dialect.name == "postgresql"
    with engine.begin() as connection:
        for earlier in range(1, version + 1):
            text = (_FOLDER / f"version-{earlier}.sql").read_text()
            for name, other in _TYPES_OF_POSTGRESQL.items() if on_postgresql else ():
                text = text.replace(name, other)
            for statement in filter(str.strip, text.split(";\n")):
                connection.exec_driver_sql(statement)
        if on_postgresql:
            connection.exec_driver_sql("SELECT setval('radiant_history_entry_seq', max(entry)) FROM radiant_history")
