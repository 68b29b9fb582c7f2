"""docs/reading.md: each engine answers the same question about the same tables, and sees visible cases alone."""

import json
import os
import re
import subprocess
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from radiant import lake
from radiant.cli.main import app
from radiant.settings import load_settings
from small_case import CASE, SITES, locus, write
from staging import NAMESPACE, commit, raw_rows, stage

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reading.md").read_text(encoding="utf-8")
SPARK = ROOT / ".venv-spark" / "bin" / "python"
HIDDEN = 7
"""A case whose row in `case_load` is gone, as before a commit's last step; its rows are in the other tables."""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """The tables of a home folder with one case that is visible and one that is not."""
    home = tmp_path_factory.mktemp("home")
    with lake.open_catalog(load_settings({"RADIANT_HOME": str(home)})) as catalog:
        refs = lake.ensure_tables(catalog, NAMESPACE)
        write(catalog, refs)
        commit(catalog, [stage(refs, HIDDEN, "hidden")], "hidden", part=1)
        catalog.load_table((NAMESPACE, "case_load")).delete(f"case_id = {HIDDEN}")
    return home


@pytest.fixture
def folder(home, tmp_path, monkeypatch):
    monkeypatch.setenv("RADIANT_HOME", str(home))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def expected(home) -> list[tuple]:
    with lake.open_catalog(load_settings({"RADIANT_HOME": str(home)})) as catalog:
        query = lake.VariantQuery(case_id=CASE)
        quality = {
            row["locus"]: row["gq"] for batch in lake.variants(catalog, NAMESPACE, query) for row in batch.to_pylist()
        }
    strong = {
        locus(site): entry[0] for site in SITES for entry in site[6] if entry[3] and entry[2] in {"MODERATE", "HIGH"}
    }
    return sorted((CASE, name, symbol, quality[name]) for name, symbol in strong.items())


def example(heading: str) -> str:
    """The Python of a section of the page."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    (code,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    return code


def radiant(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["sql", *arguments], catch_exceptions=False)
    return done.output


def answer(heading: str) -> list[tuple]:
    names: dict[str, object] = {}
    exec(compile(example(heading), heading, "exec"), names)  # noqa: S102 - the page's own example
    return list(names["answer"])


def test_the_question_has_an_answer(home):
    assert len(expected(home)) == 3


@pytest.mark.filterwarnings("ignore:Iceberg scan planning")  # polars prefers a planner of its own
@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("engine", ["PyIceberg", "polars"])
def test_the_example_of_a_library_answers_the_question(home, engine):
    assert answer(engine) == expected(home)


@pytest.mark.usefixtures("folder")
def test_the_example_of_duckdb_answers_the_question(home):
    assert radiant("--engine", "duckdb", "--apply", "reading.duckdb").startswith("reading.duckdb: 11 views")
    assert answer("DuckDB") == expected(home)


LINES = "SELECT locus, sample, source_pos, source_ref, source_alt FROM visible_occurrence ORDER BY locus, sample"
"""The lines that rows came from, which data files have only where they differ from the row's own columns."""


def lines(home) -> list[tuple]:
    columns = ["locus", "sample", "source_pos", "source_ref", "source_alt"]
    with lake.open_catalog(load_settings({"RADIANT_HOME": str(home)})) as catalog:
        stored = raw_rows(catalog, "occurrence")["source_alt"]
        assert 0 < stored.null_count < len(stored)
        batches = list(lake.case_rows(catalog, NAMESPACE, CASE, "occurrence", columns))
    return sorted(tuple(row.values()) for batch in batches for row in batch.to_pylist())


@pytest.mark.usefixtures("folder")
def test_the_views_of_duckdb_have_the_line_of_each_row(home):
    radiant("--engine", "duckdb", "--apply", "lines.duckdb")
    with duckdb.connect("lines.duckdb", read_only=True) as connection:
        found = connection.execute(LINES).fetchall()
    assert found == lines(home)
    assert ("1-100-A-T", "mum", 100, "A", "G,T") in found
    assert ("2-9-G-C", "mum", 9, "G", "C") in found


def test_the_example_of_spark_answers_the_question(home, folder):
    if not SPARK.exists():
        pytest.skip("Spark is not installed: `make spark` makes .venv-spark")
    jars = list((SPARK.parents[1]).rglob("iceberg-spark-runtime-3.5_2.12-*.jar"))
    (folder / "views.sql").write_text(radiant("--engine", "spark"))
    found = f"[answer, [tuple(row) for row in spark.sql({LINES!r}).collect()]]"
    code = example("Spark") + f"import json\nPath('answer.json').write_text(json.dumps({found}))\n"
    done = subprocess.run(
        [SPARK, "-c", code],
        env={**os.environ, "ICEBERG_JAR": str(jars[0])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    answered, of_lines = json.loads((folder / "answer.json").read_text())
    assert [tuple(row) for row in answered] == expected(home)
    assert [tuple(row) for row in of_lines] == lines(home)
