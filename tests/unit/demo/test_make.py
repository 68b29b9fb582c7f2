import gzip
import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from radiant.cli.demo import app
from radiant.demo import make
from radiant.demo.record_positions import MIN_RECORDS
from radiant.domain.case import Affected, Sex
from radiant.domain.pedigree import parse_pedigree
from radiant.domain.sheet import parse_sheet
from radiant.errors import EXIT_BAD_INPUT, InputError, StorageError
from radiant.storage import exists, to_uri

BGZF_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_same_seed_gives_same_bytes_whatever_the_hash_seed(tmp_path):
    code = "import sys; from pathlib import Path; from radiant.demo import make; make(Path(sys.argv[1]), 2, 600, 3)"
    for hash_seed in ("0", "1"):
        subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / hash_seed)],
            check=True,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
        )
    assert digests(tmp_path / "0") == digests(tmp_path / "1")


def test_another_seed_gives_another_family(tmp_path):
    for seed in (1, 2):
        make(tmp_path / str(seed), 1, MIN_RECORDS, seed)
    one, two = (gzip.decompress((tmp_path / seed / "FAM0001/FAM0001.vcf.gz").read_bytes()) for seed in "12")
    assert one.split(b"#CHROM")[1] != two.split(b"#CHROM")[1]


def test_a_family_depends_on_its_number_and_not_on_how_many_there_are(tmp_path):
    make(tmp_path / "one", 1, 600, 3)
    make(tmp_path / "three", 3, 600, 3)
    three = digests(tmp_path / "three")
    for name, digest in digests(tmp_path / "one").items():
        assert name == "cases.csv" or three[name] == digest


def test_sheet_names_every_family_and_its_files(demo_folder):
    rows = parse_sheet(
        (demo_folder / "cases.csv").read_text(),
        "cases.csv",
        to_uri=lambda path: to_uri(path, demo_folder),
        strategies=("wgs",),
    )
    assert [row.case_id for row in rows] == list(range(1, 10))
    for row in rows:
        assert row.ped_uri is not None
        assert exists(row.vcf_uri)
        assert exists(row.vcf_uri + ".tbi")
        assert exists(row.ped_uri)
    assert {row.priority.value for row in rows} == {"stat", "asap", "urgent", "routine"}


def test_pedigree_gives_the_members_of_the_vcf_with_the_first_as_proband(demos):
    for demo in demos:
        members = parse_pedigree(demo.ped.read_text(), demo.ped.name)
        assert members == demo.family.members
        assert [member.sample for member in members] == demo.header[-1].split("\t")[9:]
        assert members[0].is_proband
        assert members[0].affected is Affected.AFFECTED


def test_first_two_families_are_a_trio_with_a_son_and_a_quad_with_a_daughter(demos):
    assert [len(demo.family.members) for demo in demos[:2]] == [3, 4]
    assert [demo.family.members[0].sex for demo in demos[:2]] == [Sex.MALE, Sex.FEMALE]


def test_kinds_cover_solo_duo_trio_and_quad(demos):
    assert {len(demo.family.members) for demo in demos} == {1, 2, 3, 4}


def test_names_follow_from_the_family_number_alone(demos):
    for demo in demos:
        for index, member in enumerate(demo.family.members, start=1):
            assert member.sample == f"{demo.family.name}-F{index:02d}"


def test_bgzip_has_an_end_block_and_no_timestamp(demos):
    for demo in demos:
        data = demo.vcf.read_bytes()
        assert data.endswith(BGZF_END)
        assert data[4:8] == bytes(4)


@pytest.mark.parametrize(
    ("families", "records", "seed", "said"),
    [
        (0, 5000, 1, "families is 0"),
        (10_000, 5000, 1, "families is 10000"),
        (1, MIN_RECORDS - 1, 1, f"records is {MIN_RECORDS - 1}; it must be a whole number from {MIN_RECORDS}"),
        (1, 50_000_001, 1, "records is 50000001"),
        (1, 5000, -1, "seed is -1"),
    ],
)
def test_arguments_out_of_range_are_refused_with_the_range(tmp_path, families, records, seed, said):
    with pytest.raises(InputError, match=said):
        make(tmp_path / "none", families, records, seed)
    assert not (tmp_path / "none").exists()


def test_a_file_in_the_folders_place_is_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="cannot be used as a folder"):
        make(tmp_path / "file", 1, 600, 1)


def test_a_file_in_a_familys_place_is_named(tmp_path):
    (tmp_path / "FAM0001").write_text("x")
    with pytest.raises(StorageError, match="FAM0001"):
        make(tmp_path, 1, 600, 1)
    assert not (tmp_path / "cases.csv").exists()
    assert not list(tmp_path.glob(".*"))


def test_fewest_records_hold_every_story(tmp_path):
    make(tmp_path, 9, MIN_RECORDS, 5)
    for number in range(1, 10):
        name = f"FAM{number:04d}"
        truth = (tmp_path / name / f"{name}.truth.tsv").read_text()
        assert "\tx_de_novo\t" in truth
        assert "\tde_novo_multiallelic\t" in truth
        with gzip.open(tmp_path / name / f"{name}.vcf.gz", "rt") as file:
            assert sum(not line.startswith("#") for line in file) == MIN_RECORDS


def test_a_killed_run_leaves_no_half_file_and_the_next_one_cleans_up(tmp_path):
    code = "import sys; from pathlib import Path; from radiant.demo import make; make(Path(sys.argv[1]), 1, 2000000, 1)"
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)]) as process:
        half = tmp_path / ".FAM0001.part/FAM0001.vcf.gz"
        end = time.monotonic() + 60
        while not (half.exists() and half.stat().st_size) and time.monotonic() < end:
            time.sleep(0.05)
        with pytest.raises(InputError, match="another `radiant demo make`"):
            make(tmp_path, 1, 600, 1)
        process.send_signal(signal.SIGKILL)
    assert half.stat().st_size > 0
    assert [path.name for path in tmp_path.iterdir()] == [".FAM0001.part"]
    make(tmp_path, 1, 600, 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["FAM0001", "README.txt", "cases.csv"]


def test_memory_does_not_grow_with_the_records(tmp_path):
    code = (
        "import resource, sys; from pathlib import Path; from radiant.demo import make;"
        "make(Path(sys.argv[1]), 1, int(sys.argv[2]), 1);"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )

    def peak_mib(records: int) -> float:
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / str(records)), str(records)],
            check=True,
            capture_output=True,
            text=True,
        )
        return int(done.stdout.split()[-1]) / 1024

    # 30,000 more records are 34 MB of text.
    assert peak_mib(40_000) - peak_mib(10_000) < 25


def test_command_writes_and_prints_the_place(tmp_path):
    result = CliRunner().invoke(app, ["make", str(tmp_path), "--families", "1", "--records", "600", "--seed", "2"])
    assert result.exit_code == 0, result.output
    assert str(tmp_path / "cases.csv") in result.output.replace("\n", "")
    assert (tmp_path / "FAM0001/FAM0001.vcf.gz.tbi").exists()


def test_command_refuses_bad_options_with_exit_code_65(tmp_path):
    result = CliRunner().invoke(app, ["make", str(tmp_path), "--records", "3"])
    assert isinstance(result.exception, InputError)
    assert result.exception.exit_code == EXIT_BAD_INPUT
