"""What a job used, as its process measures it: real processes, real control groups, the endpoint of the fake ECS."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from fakes.ecs import fake_ecs
from radiant import storage
from radiant.jobs.codec import encode
from radiant.jobs.documents import Request, Usage, decode_result
from radiant.jobs.usage import MemorySource
from radiant.worker import usage as usage_module
from radiant.worker.memory import EcsMetadata, Processes, memory_meter
from radiant.worker.usage import UsageMeter

WORKER = Path(sys.executable).with_name("radiant-worker")
MIB = 1 << 20
GROUPS_1 = Path("/sys/fs/cgroup/memory")


def ask(folder: Path, pause_s: float = 0.05) -> list[str]:
    request = Request("poc", "a1", storage.file_uri(folder), {"pause_s": pause_s})
    (folder / "request.json").write_bytes(encode(request))
    return ["poc", "--request", f"{folder}/request.json", "--result", f"{folder}/result.json"]


def usage_in(folder: Path) -> Usage:
    usage = decode_result((folder / "result.json").read_bytes(), "result.json").usage
    assert usage is not None
    return usage


def wait_for(found: Callable[[], bool], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < until
        time.sleep(0.01)


def a_group(root: Path, files: dict[str, str], processes: tuple[int, ...]) -> Path:
    """Make a control group as a container sees its own, with these files."""
    root.mkdir(parents=True)
    for name, text in (files | {"cgroup.procs": "".join(f"{one}\n" for one in processes)}).items():
        (root / name).write_text(text)
    return root


def own_groups(folder: Path, text: str) -> Path:
    (folder / "own").write_text(text)
    return folder / "own"


VERSION_2 = {"memory.current": f"{300 * MIB}\n", "memory.stat": f"anon 5\ninactive_file {100 * MIB}\nfile 7\n"}
VERSION_1 = {
    "memory.usage_in_bytes": f"{300 * MIB}\n",
    "memory.stat": f"inactive_file 3\ntotal_inactive_file {100 * MIB}\n",
}


@pytest.mark.parametrize(
    ("place", "own", "files", "source"),
    [
        ("", "0::/\n", VERSION_2, MemorySource.CGROUP2),
        ("kubepods/pod1/c", "0::/kubepods/pod1/c\n", VERSION_2, MemorySource.CGROUP2),
        ("memory", "4:memory:/docker/of-the-host\n0::/\n", VERSION_1, MemorySource.CGROUP1),
        ("memory/docker/c", "4:memory:/docker/c\n0::/\n", VERSION_1, MemorySource.CGROUP1),
    ],
)
def test_a_group_of_its_own_counts_without_the_pages_that_the_kernel_drops_first(tmp_path, place, own, files, source):
    a_group(tmp_path / "cg" / place, files, (1, os.getpid()))
    meter = memory_meter(None, tmp_path / "cg", own_groups(tmp_path, own))
    assert (meter.source, meter.used_bytes()) == (source, 200 * MIB)


@pytest.mark.parametrize("processes", [(1, 77), (77,)], ids=["with another", "of others"])
def test_a_group_that_others_use_is_not_the_job_s(tmp_path, processes):
    a_group(tmp_path / "cg", VERSION_2, (*processes, os.getpid()) if len(processes) > 1 else processes)
    assert isinstance(memory_meter(None, tmp_path / "cg", own_groups(tmp_path, "0::/\n")), Processes)


def test_a_system_without_control_groups_counts_processes(tmp_path):
    assert isinstance(memory_meter(None, tmp_path / "none", tmp_path / "none"), Processes)


@pytest.mark.parametrize("text", ["", "many\n"])
def test_a_group_that_cannot_be_read_is_not_used(tmp_path, text):
    a_group(tmp_path / "cg", VERSION_2 | {"memory.current": text}, (os.getpid(),))
    assert isinstance(memory_meter(None, tmp_path / "cg", own_groups(tmp_path, "0::/\n")), Processes)


@pytest.fixture
def real_group():
    """A control group of this machine, version 1."""
    folder = GROUPS_1 / f"radiant-test-{os.getpid()}"
    try:
        folder.mkdir()
    except OSError as error:
        pytest.skip(f"control groups cannot be made here: {error}")
    yield folder
    with contextlib.suppress(OSError):
        folder.rmdir()


def test_a_worker_alone_in_a_real_group_measures_the_group(tmp_path, real_group):
    join = f"import os, sys; open({str(real_group / 'cgroup.procs')!r}, 'w').write(str(os.getpid())); "
    program = f"{join}os.execv(sys.argv[1], sys.argv[1:])"
    subprocess.run([sys.executable, "-c", program, str(WORKER), *ask(tmp_path)], check=True, stdout=subprocess.DEVNULL)
    usage = usage_in(tmp_path)
    assert usage.memory_source is MemorySource.CGROUP1
    highest = int((real_group / "memory.max_usage_in_bytes").read_text()) / MIB
    assert 10 < usage.peak_memory_mib <= round(highest, 1)


def test_a_worker_on_ecs_without_a_group_of_its_own_asks_the_metadata_endpoint(tmp_path):
    with fake_ecs() as fake:
        ground = fake.provision(families={"radiant-poc": {}})
        container = {"name": "radiant", "command": ["radiant-worker", *ask(tmp_path)]}
        answer = fake.client("ecs").run_task(
            cluster="radiant",
            taskDefinition="radiant-poc",
            networkConfiguration=ground.network,
            overrides={"containerOverrides": [container]},
        )
        fake.wait(answer["tasks"][0]["taskArn"])
    usage = usage_in(tmp_path)
    assert usage.memory_source is MemorySource.ECS
    assert 10 < usage.peak_memory_mib < 1000  # the page cache that the endpoint reports is 4 GiB


def test_an_endpoint_that_does_not_answer_leaves_the_processes():
    assert isinstance(memory_meter("http://127.0.0.1:9/v4/x", Path("none"), Path("none")), Processes)
    assert EcsMetadata("http://127.0.0.1:9/v4/x").used_bytes() == 0


def test_a_worker_measures_time_cpu_and_memory_of_its_own_process(tmp_path):
    started = time.monotonic()
    subprocess.run([WORKER, *ask(tmp_path)], check=True, stdout=subprocess.DEVNULL)
    usage, outside = usage_in(tmp_path), time.monotonic() - started
    assert 0.5 <= usage.wall_s <= outside  # ten pauses
    assert usage.user_s > 0
    assert usage.cpu_s == pytest.approx(usage.user_s + usage.system_s, abs=0.002)
    assert usage.bytes_read > 0
    assert (usage.read_requests, usage.write_requests, usage.records, usage.bytes_stored) == (0, 0, 0, 0)


def test_the_memory_of_the_process_that_starts_a_worker_is_not_the_worker_s(tmp_path):
    program = "import subprocess, sys; held = bytes(range(256)) * (1 << 20); subprocess.run(sys.argv[1:], check=True)"
    argv = [sys.executable, "-c", program, str(WORKER), *ask(tmp_path, 0)]
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
    assert 10 < usage_in(tmp_path).peak_memory_mib < 200  # the other one holds 256 MiB


def test_the_memory_of_a_child_counts():
    meter = UsageMeter(Processes())
    meter.start()
    own_mib = psutil.Process().memory_info().rss / MIB
    program = "import sys; held = bytes(range(256)) * (1 << 20); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE):
        wait_for(lambda: meter.used_mib > own_mib + 240)
    assert meter.stop().peak_memory_mib > own_mib + 240


def test_temporary_files_count_while_they_are_there_and_their_folder_is_removed(monkeypatch):
    sizes: list[int] = []
    size_of = usage_module._size_of
    monkeypatch.setattr(usage_module, "_size_of", lambda folder: sizes.append(size_of(folder)) or sizes[-1])
    monkeypatch.setattr(usage_module, "_LOOK_AT_SCRATCH_S", 0.1)
    before = tempfile.gettempdir()
    meter = UsageMeter(Processes())
    meter.start()
    inside = tempfile.gettempdir()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "copy.bcf").write_bytes(bytes(range(256)) * (3 << 12))
        wait_for(lambda: max(sizes, default=0) >= 3 * MIB)
    usage = meter.stop()
    assert inside != before
    assert usage.scratch_peak_mib == pytest.approx(3, abs=0.1)
    assert (Path(inside).exists(), tempfile.gettempdir()) == (False, before)


def test_the_counts_of_a_job_are_in_its_usage():
    meter = UsageMeter(Processes())
    meter.start()
    usage = meter.stop(records=5, rows=7, bytes_stored=11)
    assert (usage.records, usage.rows, usage.bytes_stored) == (5, 7, 11)
    assert json.loads(encode(usage))["memory_source"] == "processes"
