from pathlib import Path

import pytest

from radiant.worker import cores
from radiant.worker.cores import usable_cores


@pytest.fixture(autouse=True)
def _eight_cores(monkeypatch):
    monkeypatch.setattr(cores.os, "sched_getaffinity", lambda _: set(range(8)), raising=False)


def _file(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def test_without_a_limit_the_cores_it_may_run_on_count(tmp_path):
    assert usable_cores(None, tmp_path, tmp_path / "none") == 8


@pytest.mark.parametrize(("asked", "expected"), [(2, 2), (0.25, 1), (2.5, 2), (16, 8)])
def test_what_was_asked_for_is_a_limit(tmp_path, asked, expected):
    assert usable_cores(asked, tmp_path, tmp_path / "none") == expected


def test_version_2_quota(tmp_path):
    _file(tmp_path / "cpu.max", "300000 100000\n")
    assert usable_cores(None, tmp_path, tmp_path / "none") == 3


def test_no_quota_is_no_limit(tmp_path):
    _file(tmp_path / "cpu.max", "max 100000\n")
    assert usable_cores(None, tmp_path, tmp_path / "none") == 8


def test_version_1_quota(tmp_path):
    _file(tmp_path / "cpu/cpu.cfs_quota_us", "150000\n")
    _file(tmp_path / "cpu/cpu.cfs_period_us", "100000\n")
    assert usable_cores(None, tmp_path, tmp_path / "none") == 1


def test_the_quota_of_a_group_above_counts(tmp_path):
    own = _file(tmp_path / "own", "0::/kubepods/pod1/container\n")
    _file(tmp_path / "cg/kubepods/pod1/cpu.max", "200000 100000\n")
    _file(tmp_path / "cg/kubepods/pod1/container/cpu.max", "max 100000\n")
    assert usable_cores(None, tmp_path / "cg", own) == 2
