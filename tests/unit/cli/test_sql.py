"""`radiant sql --apply` makes the views where radiant can, and names the way where it cannot."""

import pytest
from typer.testing import CliRunner

from radiant.cli.main import app
from radiant.errors import InputError


@pytest.mark.parametrize(
    ("engine", "way"),
    [
        ("spark", r"last as long as its session.*--engine spark > views\.sql.*`spark-sql -i views\.sql`.*spark\.sql\("),
        ("trino", r"--engine trino --catalog NAME > views\.sql.*`trino --server URL --file views\.sql`.*Athena"),
        ("starrocks", r"--engine starrocks --catalog NAME > views\.sql.*`mysql -h HOST -P 9030"),
    ],
)
def test_apply_names_the_way_for_an_engine_that_it_does_not_reach(tmp_path, engine, way):
    database = tmp_path / "views.db"
    with pytest.raises(InputError, match=f"database file of DuckDB, and .*{way}"):
        CliRunner().invoke(app, ["sql", "--engine", engine, "--apply", str(database)], catch_exceptions=False)
    assert not database.exists()
