"""CSV that is opened in a spreadsheet runs nothing."""

import csv

import pyarrow as pa
import pytest

from radiant.cli.csv_cells import plain_text
from radiant.cli.variants import OutputFormat, _write_file

FORMULAS = ["=1+1", "+1", "-2+3+cmd|' /C calc'!A0", "@SUM(1)", "\t=1", "\r=1", "\uff1d1+1", '=HYPERLINK("http://x")']


@pytest.mark.parametrize("cell", FORMULAS)
def test_a_formula_becomes_text(cell):
    assert plain_text(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "-", "+", "c.-5A>G", "A=B", "1-100-A-G", "file:///a.vcf"])
def test_other_text_stays(cell):
    assert plain_text(cell) == cell


def test_no_text_of_variants_as_csv_is_a_formula_and_numbers_stay_numbers(tmp_path):
    schema = pa.schema([("hgvsp", pa.string()), ("filter", pa.list_(pa.string())), ("score", pa.float32())])
    columns = [[*FORMULAS, "-", None], [[cell, "x"] for cell in FORMULAS] + [["a", "=b"], None], [-1.5] * 10]
    batch = pa.record_batch(
        [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)], schema
    )
    _write_file(iter([batch]), schema, OutputFormat.CSV, str(tmp_path / "a.csv"))
    with (tmp_path / "a.csv").open(newline="") as file:
        rows = list(csv.reader(file))[1:]
    assert [row[0] for row in rows] == [*(f"'{cell}" for cell in FORMULAS), "-", ""]
    assert [row[1] for row in rows] == [*(f"'{cell};x" for cell in FORMULAS), "a;=b", ""]
    assert {row[2] for row in rows} == {"-1.5"}
