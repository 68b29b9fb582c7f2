"""`radiant vcf convert`."""

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from radiant.cli.vcf import app
from radiant.domain.tables import CASE_TABLES
from radiant.errors import ConfigError, InputError, PedigreeError, RadiantError
from vcf_files import record, text, write

FILES = {"report.json", *(f"{name}.parquet" for name in CASE_TABLES)}
PED = "F\tkid\tdad\tmum\t1\t2\nF\tdad\t0\t0\t1\t1\nF\tmum\t0\t0\t2\t1\n"


@pytest.fixture
def trio(tmp_path):
    (tmp_path / "family.ped").write_text(PED)
    return write(tmp_path / "case.vcf.bgz", text([record("0/1", "0/1", "0/0")], ("kid", "dad", "mum")))


def convert(*arguments: object):
    return CliRunner().invoke(app, ["convert", *map(str, arguments)])


def refused(error: type[RadiantError], *arguments: object) -> RadiantError:
    result = convert(*arguments)
    assert isinstance(result.exception, error), result.output
    return result.exception


def test_convert_writes_four_tables_and_the_report(tmp_path, trio):
    out = tmp_path / "new" / "out"
    result = convert(trio, "--ped", tmp_path / "family.ped", "--out", out)
    assert result.exit_code == 0, result.output
    assert {path.name for path in out.iterdir()} == FILES
    rows = pq.read_table(out / "occurrence.parquet").to_pylist()
    assert [(row["sample"], row["parental_origin"]) for row in rows] == [("kid", "father"), ("dad", "unknown")]
    assert json.loads((out / "report.json").read_text())["lines"]["read"] == 1
    assert "1 lines: 1 kept, 0 split, 0 skipped, 0 rejected" in result.output


def test_convert_without_a_pedigree_takes_every_sample_alone(tmp_path, trio):
    assert convert(trio, "--out", tmp_path / "out").exit_code == 0
    rows = pq.read_table(tmp_path / "out" / "occurrence.parquet").to_pylist()
    assert [(row["sample"], row["is_proband"]) for row in rows] == [("kid", True), ("dad", True)]


def test_a_failure_leaves_nothing_behind(tmp_path):
    folder = tmp_path / "here"
    folder.mkdir()
    bad = write(tmp_path / "bad.vcf", text([record(), record(pos=2000, qual="x")]))
    error = refused(InputError, bad, "--out", folder / "deep" / "out")
    assert error.exit_code == 65
    assert list(folder.iterdir()) == []


def test_a_failure_keeps_the_earlier_result_whole(tmp_path, trio):
    out = tmp_path / "out"
    convert(trio, "--out", out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    bad = write(tmp_path / "bad.vcf", text([record(qual="x")]))
    refused(InputError, bad, "--out", out)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_tolerate_and_strict(tmp_path):
    bad = write(tmp_path / "bad.vcf", text([record(), record(pos=2000, qual="x")]))
    result = convert(bad, "--out", tmp_path / "out", "--tolerate", 1)
    assert result.exit_code == 0
    assert "warning: 1 lines were rejected" in result.output
    assert pq.read_table(tmp_path / "out" / "quarantine.parquet").num_rows == 1
    refused(InputError, bad, "--out", tmp_path / "out", "--strict")
    refused(ConfigError, bad, "--out", tmp_path / "out", "--strict", "--tolerate", 1)


def test_bad_paths_and_pedigrees_are_bad_input(tmp_path, trio):
    (tmp_path / "loop.ped").write_text("F\tkid\tkid\t0\t1\t2\n")
    refused(PedigreeError, trio, "--ped", tmp_path / "loop.ped", "--out", tmp_path / "out")
    refused(InputError, tmp_path / "none.vcf", "--out", tmp_path / "out")
    refused(InputError, tmp_path, "--out", tmp_path / "out")
    refused(InputError, "C:\\data\\a.vcf", "--out", tmp_path / "out")
    refused(InputError, trio, "--out", trio)
    refused(InputError, trio, "--assembly", "hg12", "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["hg19", "GRCh37.p13", "grch37"])
def test_an_assembly_may_have_any_of_its_names(tmp_path, trio, name):
    result = convert(trio, "--assembly", name, "--out", tmp_path / "out")
    assert isinstance(result.exception, InputError), "the header has the lengths of GRCh38"
    assert "GRCh37" in str(result.exception)


def test_a_proband_without_a_pedigree_is_not_ignored(tmp_path, trio):
    assert "give --ped" in str(refused(InputError, trio, "--proband", "kid", "--out", tmp_path / "out"))


def test_what_a_killed_conversion_left_is_deleted_and_a_running_ones_is_not(tmp_path, trio):
    out = tmp_path / "out"
    killed, running, other = (
        tmp_path / f".{name}.{digit * 32}.part" for name, digit in (("out", "a"), ("out", "b"), ("o", "c"))
    )
    for one in (killed, running, other):
        one.mkdir()
        (one / "variant.parquet").touch()
    descriptor = os.open(running, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        assert convert(trio, "--out", out).exit_code == 0
    finally:
        os.close(descriptor)
    assert not killed.exists()
    assert running.exists()
    assert other.exists()


@pytest.mark.parametrize("how", ["<(cat {vcf})", "/dev/stdin < <(cat {vcf})", "- < {vcf}"])
def test_a_pipe_is_refused_with_the_reason(tmp_path, trio, how):
    command = (
        f"exec {Path(sys.executable).with_name('radiant')} vcf convert {how.format(vcf=trio)} --out {tmp_path / 'out'}"
    )
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 65, done.stderr
    assert "is no regular file but a pipe or a device" in " ".join(done.stderr.split())
    assert not (tmp_path / "out").exists()
