"""The statements of `radiant sql` for engines that no test starts: parsed, and read for what they promise."""

import pytest
import sqlglot
from sqlglot import expressions as sql

from radiant import lake
from radiant.domain.columns import chosen_columns
from radiant.domain.tables import CASE_TABLES, with_chosen_columns
from radiant.lake.sql_views import PREFIX

DIALECTS = [
    (lake.Engine.TRINO, "trino"),
    (lake.Engine.TRINO, "athena"),
    (lake.Engine.STARROCKS, "starrocks"),
    (lake.Engine.SPARK, "spark"),
]


@pytest.mark.parametrize(("engine", "dialect"), DIALECTS, ids=[dialect for _, dialect in DIALECTS])
def test_the_views_have_the_declared_columns_and_join_case_load(engine, dialect):
    statements = lake.catalog_views(engine, "ice", "clinic")
    for statement, (short, table) in zip(statements, CASE_TABLES.items(), strict=True):
        view = sqlglot.parse_one(statement, dialect=dialect)
        assert isinstance(view, sql.Create)
        assert view.this.name == f"{PREFIX}{short}"
        query = view.expression
        assert [one.alias_or_name for one in query.expressions] == [
            column.name for column in table.columns if column.name != "locus_hash"
        ]
        assert {(one.catalog, one.db, one.name) for one in query.find_all(sql.Table)} == {
            ("ice", "clinic", table.name),
            ("ice", "clinic", "case_load"),
        }
        (join,) = query.args["joins"]
        on = {frozenset(side.sql() for side in (one.left, one.right)) for one in join.args["on"].find_all(sql.EQ)}
        assert on == {frozenset({f"l.{name}", f"t.{name}"}) for name in ("part", "case_id")}


def test_a_view_has_the_columns_that_settings_choose():
    tables = with_chosen_columns(chosen_columns(["CADD:float"]))
    (variant,) = (one for one in lake.catalog_views(lake.Engine.TRINO, "ice", "radiant", tables) if "_variant" in one)
    assert 't."info_cadd"' in variant
