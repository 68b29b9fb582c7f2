"""A file that is made to fill memory or time is refused by name, within bounds of both."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from vcf_files import Read, record, text, write

TESTS = Path(__file__).parents[2]
REFUSED = {
    "crowded-alts.vcf": ("VcfFormat", "line 23: 10000 ALTs or more, as no caller or annotator writes [crowded]"),
    "crowded-filters.vcf": ("VcfFormat", "10000 filters or more"),
    "crowded-formats.vcf": ("VcfFormat", "10000 FORMAT keys or more"),
    "crowded-ids.vcf": ("VcfFormat", "10000 ids or more"),
    "crowded-info.vcf": ("VcfFormat", "10000 INFO entries or more"),
    "declaration-of-8-MiB.vcf": ("VcfFormat", "line 21: a header line of 8388658 bytes, more than 1048576"),
    "empty-lines.gz": ("VcfFormat", "or more lines are empty. Remove them"),
    "endless-header-line.bgz": ("VcfFormat", "line 21: is longer than 16 MiB"),
    "endless-line.bgz": ("VcfFormat", "line 22: is longer than 16 MiB"),
    "endless-line.gz": ("VcfFormat", "line 22: is longer than 16 MiB"),
    "header-of-1-GiB.bcf": ("VcfFormat", "states a header of 1073741833 bytes, more than 32 MiB"),
    "header-of-100000-lines.vcf": ("VcfFormat", "line 65537: no #CHROM line in the first 65536 lines and 32 MiB"),
    "lines-of-nothing.vcf": ("VcfFormat", "line 22: an empty line where the #CHROM line has 10 [columns]"),
    "record-of-1-GiB.bcf": ("VcfFormat", "a record of 1073741824 bytes, more than 16 MiB"),
    "records-without-number.bgz": ("VcfFormat", "more than 400 times as much, as no VCF does"),
    "samples.vcf": ("BadInput", "has 1001 samples and its case has no pedigree"),
}
MOST_MIB = 500
MOST_CPU_S = 20


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """Name to (code, message, outcome in shards, seconds of CPU, peak in MiB so far), all read by one process."""
    folder = tmp_path_factory.mktemp("hostile")
    program = [sys.executable, TESTS / "hostile_files.py", folder]
    done = subprocess.run(program, check=True, capture_output=True, text=True, cwd=TESTS, timeout=300)
    return {name: rest for name, *rest in map(json.loads, done.stdout.splitlines())}


def test_every_hostile_file_has_its_message(outcomes):
    assert sorted(outcomes) == sorted(REFUSED)


@pytest.mark.parametrize("name", REFUSED)
def test_a_hostile_file_is_refused_by_name(outcomes, name):
    code, message, *_ = outcomes[name]
    assert (code, REFUSED[name][1] in message) == (REFUSED[name][0], True), message
    assert len(message) < 2000


def test_processes_that_share_a_hostile_file_leave_it_to_the_one_reader_with_the_message(outcomes):
    shared = {name: outcome[2] for name, outcome in outcomes.items() if name.endswith(".bgz")}
    shared.pop("endless-header-line.bgz")  # refused before it is shared
    assert set(shared.values()) == {"left to one reader"}
    assert len(shared) == 2


def test_no_hostile_file_takes_much_memory_or_time(outcomes):
    assert 0 < max(peak for *_, peak in outcomes.values()) < MOST_MIB
    assert max(seconds for *_, seconds, _ in outcomes.values()) < MOST_CPU_S


def test_lines_just_below_the_limits_are_read(tmp_path):
    ids = ";".join(f"id{number}" for number in range(5_000))
    filters = ";".join(f"f{number}" for number in range(9_999))
    lines = [record(id_=ids), record(pos=2000, filter_=filters)]
    found = Read(write(tmp_path / "a.vcf", text(lines)))
    assert found.json["lines"]["kept"] == 2


@pytest.mark.parametrize("lines", [9_000_000, 10])
def test_empty_lines_at_the_start_of_the_records_are_named(tmp_path, lines):
    with pytest.raises(Exception, match=r"line 22: (an empty line|from here on 8387424 or more lines are empty)"):
        Read(write(tmp_path / "a.gz", text(["\n" * (lines - 1), record()])))
