"""`radiant tables` and `radiant variants`, as a person calls them."""

import csv
import io
import json

import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner

import small_case
from radiant import lake
from radiant.cli.variants import tables, variants
from radiant.errors import CaseNotFoundError, InputError
from radiant.settings import load_settings
from staging import NAMESPACE

app = typer.Typer(pretty_exceptions_enable=False)
app.command()(tables)
app.command()(variants)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    with lake.open_catalog(load_settings({"RADIANT_HOME": str(folder)})) as catalog:
        small_case.write(catalog, lake.ensure_tables(catalog, NAMESPACE))
    return folder


@pytest.fixture
def run(home, monkeypatch):
    monkeypatch.setenv("RADIANT_HOME", str(home))

    def call(*words: str) -> str:
        result = CliRunner().invoke(app, words)
        if result.exception:
            raise result.exception
        return result.stdout

    return call


def test_tables_lists_rows_files_and_snapshots(run):
    lines = {line.split()[0]: line.split() for line in run("tables").splitlines() if line.startswith("radiant.")}
    assert lines["radiant.germline_snv_variant"][1:3] == ["7", "1"]
    assert lines["radiant.germline_snv_quarantine"][1] == "0"
    assert "1 case is visible" in run("tables")


def test_tables_before_anything_was_imported(run, monkeypatch, tmp_path):
    monkeypatch.setenv("RADIANT_HOME", str(tmp_path / "new"))
    assert "not created yet" in run("tables")
    assert "0 cases are visible" in run("tables")


def test_the_table_shows_what_an_expert_needs(run):
    out = run("variants", "--case", "42", "--gene", "ABC", "--origin", "denovo")
    (line,) = [line for line in out.splitlines() if line.startswith("1-100-A-G")]
    for cell in ("ABC", "moderate", "MODERATE", "ENST1:c.0", "p.0", "kid", "HET", "99", "15,15", "WT", "denovo"):
        assert cell in line.split()
    assert "autosomal_dominant" in line
    assert "LowQual, off-target" in line
    assert "1 row" in out


def test_the_table_is_cut_and_says_so(run):
    out = run("variants", "--case", "42", "--limit", "2")
    assert sum(line.startswith(("1-", "10-", "2-", "X-", "M-")) for line in out.splitlines()) == 2
    assert "the first 2 rows" in out
    assert "7 rows" in run("variants", "--case", "42", "--limit", "0")
    assert "7 rows" in run("variants", "--case", "42", "--limit", "7")


def test_words_may_be_written_in_any_case(run):
    assert "2 rows" in run("variants", "--case", "42", "--origin", "DeNovo", "--impact", "high")


def test_csv_goes_to_standard_output(run):
    rows = list(csv.DictReader(io.StringIO(run("variants", "--case", "42", "--format", "csv"))))
    assert len(rows) == 7
    assert rows[1]["rsnumber"] == "rs1;rs10"
    assert (rows[0]["locus"], rows[0]["dp"], rows[0]["gq"]) == ("1-100-A-G", "", "99")


def test_a_file_is_written(run, tmp_path):
    for kind in ("csv", "parquet", "table"):
        assert run("variants", "--case", "42", "--format", kind, "--out", str(tmp_path / kind), "--limit", "3") == ""
    table = pq.read_table(tmp_path / "parquet")
    assert table.num_rows == 3
    assert table.schema.names == lake.result_schema().names
    assert len((tmp_path / "csv").read_text().splitlines()) == 4
    assert "1-100-A-G" in (tmp_path / "table").read_text()


def test_no_rows_make_a_whole_file_too(run, tmp_path):
    run("variants", "--case", "42", "--gene", "NONE", "--format", "parquet", "--out", str(tmp_path / "none"))
    assert pq.read_table(tmp_path / "none").num_rows == 0
    assert len(run("variants", "--case", "42", "--gene", "NONE", "--format", "csv").splitlines()) == 1
    assert "0 rows; no entry of VEP that fits names the gene NONE" in run("variants", "--case", "42", "--gene", "NONE")


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        (["--case", "9"], CaseNotFoundError, "case 9 has no visible rows"),
        (["--case", "42", "--format", "parquet"], InputError, "--out FILE"),
        (["--case", "42", "--region", "chr99"], InputError, "is not a chromosome"),
        (["--case", "42", "--impact", "big"], InputError, "is not a known impact"),
        (["--case", "42", "--sample", "dad"], InputError, "no rows of member dad"),
    ],
)
def test_errors_say_what_to_do(run, words, error, message):
    with pytest.raises(error, match=message):
        run("variants", *words)


def test_rich_does_not_read_markup_in_cells(run, home):
    del home
    assert json.dumps(run("variants", "--case", "42")).count("[/") == 0
