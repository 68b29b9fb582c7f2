"""Some members of a file of many samples: the rows of one line at a time, whatever the other columns hold."""

import random

import pytest

from equivalence import compare
from radiant.domain.case import Affected, Sex
from vcf_files import Read, member, record, text, write

SAMPLES = [f"S{at}" for at in range(60)]
CALLS = ("0/0:30,0:30:90", "0/1:15,14:29:99", "1/1:0,31:31:93", "./.:.:.:.", "0|1:1,2:3:9", "1/2:1,9,9:19:99")
CHILD = member("S41", father="S7", mother="S58", sex=Sex.MALE, affected=Affected.AFFECTED, is_proband=True)
TRIO = (CHILD, member("S7", sex=Sex.MALE), member("S58"))


def cohort(seed: int, others: str | None = None) -> str:
    """Return a file; the columns of the samples that are no members may all be one text."""
    rng = random.Random(seed)  # noqa: S311 - test data
    members = {one.sample for one in TRIO}
    lines = []
    for pos in range(10, 3000, 10):
        alts = rng.choice(("G", "G,T"))
        fitting = CALLS[:5] if alts == "G" else CALLS[3:4] + CALLS[5:]
        columns = [rng.choice(fitting) for _ in SAMPLES]
        if others is not None:
            columns = [one if name in members else others for name, one in zip(SAMPLES, columns, strict=True)]
        lines.append(record(*columns, pos=pos, alt=alts, format_="GT:AD:DP:GQ"))
    return text(lines, SAMPLES)


@pytest.mark.parametrize("members", [TRIO, TRIO[:1], (TRIO[2], CHILD)])
def test_a_subset_of_members_is_read_as_one_line_at_a_time(tmp_path, members):
    path = write(tmp_path / "a.vcf.bgz", cohort(1))
    got = compare(path, members, chunk_bytes=100_000)
    assert got.alone == 0
    assert got.tables["occurrence"].num_rows > 100


def test_what_other_samples_hold_changes_nothing(tmp_path):
    found = [Read(write(tmp_path / f"{at}.vcf", cohort(2, others)), TRIO) for at, others in enumerate((None, "./."))]
    assert found[0].tables == found[1].tables
    assert found[0].json["rows"] == found[1].json["rows"]
    assert found[0].occurrence
