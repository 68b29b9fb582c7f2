"""The documents of a whole run, written with the operators' own functions: what the report of a run is made of."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from radiant.domain.case import Priority
from radiant.domain.partition import BlockedCases, PlannedPart
from radiant.jobs.catalogue import effective_job
from radiant.jobs.codec import JsonObject, to_json
from radiant.jobs.contracts import (
    CommitArguments,
    CommitOutput,
    FailedCase,
    ImportArguments,
    ImportedCase,
    ImportedFile,
    ImportOutput,
    PlanArguments,
    PlanOutput,
    PrepareArguments,
    PreparedCase,
    PrepareOutput,
    RecordCounts,
)
from radiant.jobs.documents import Failure, Result, Status, run_uri, task_uri
from radiant.jobs.run_ids import part_run_id
from radiant.jobs.usage import JobTry, Placement, Times, Usage
from radiant.operators.task_folder import TaskFolder
from radiant.operators.task_run import new_request
from radiant.settings import Settings

RUN = "manual__2026-11-28T22:00:00+00:00"
BEGAN = 1795903200.0
"""2026-11-28 22:00 UTC."""
BAD_FILE = Failure(
    "VcfTruncated",
    "s3://bucket/Jane-Doe/case.vcf.gz: ends at byte 7: the file is truncated. Copy it again and compare checksums",
    retryable=False,
    exit_code=65,
)
OUT_OF_MEMORY = Failure("OutOfMemory", "killed at its limit of 200 MiB", retryable=True, exit_code=None)


@dataclass(frozen=True)
class Scenario:
    """How the import of one case goes."""

    case_id: int
    fails: Failure | None = None
    oom_first: bool = False
    """Its first try runs out of memory."""
    warnings: tuple[str, ...] = ()
    running: bool = False
    """It has no outcome yet."""


def a_file(case_id):
    return ImportedFile(1 << 30, f"{case_id:064x}", "b" * 64, "VCF", "VCFv4.2", "bgzf", "GRCh38", "VEP", "112")


@dataclass
class RunDocuments:
    """Writes one run of one part: a container a case, on Fargate Spot, `at_once` at the same time."""

    settings: Settings
    at_once: int = 4
    part: int = 3

    def write(self, cases: Sequence[Scenario], blocked: tuple[BlockedCases, ...] = (), run_id: str = RUN) -> None:
        ids = tuple(one.case_id for one in cases)
        child = part_run_id(run_id, self.part, ids)
        plan = PlanOutput((PlannedPart(self.part, Priority.ROUTINE, ids),), blocked)
        self.job("plan-import", "import-radiant", run_id, "plan", PlanArguments(), plan, BEGAN, 4)
        prepared = tuple(PreparedCase(case_id, f"file:///cases/{case_id}", "load", 1 << 20, 3) for case_id in ids)
        output = PrepareOutput(self.part, prepared, (), (), ())
        self.job("prepare-part", "import-vcf", child, "prepare", PrepareArguments(self.part), output, BEGAN + 8, 5)
        free = [BEGAN + 16.0] * self.at_once
        chance = random.Random(7)  # noqa: S311 - the same documents each time
        imported = []
        for index, case in enumerate(cases):
            slot = min(range(self.at_once), key=free.__getitem__)
            free[slot], done = self.import_case(child, index, case, free[slot], chance)
            if done is not None:
                imported.append(done)
        failed = tuple(
            FailedCase(one.case_id, one.fails.code, one.fails.message) for one in cases if one.fails is not None
        )
        if not any(case.running for case in cases):
            commit = CommitOutput(self.part, tuple(imported), failed, ())
            self.job(
                "commit-part",
                "import-vcf",
                child,
                "commit",
                CommitArguments(self.part, prepared),
                commit,
                max(free) + 2,
                6,
            )

    def import_case(self, run_id, index, case, at, chance):
        """Write the tries of one import; return when its place is free, and what commit reports of it."""
        folder = self.folder("import-vcf", run_id, "import_case", index)
        arguments = ImportArguments(case.case_id, f"file:///cases/{case.case_id}", "load")
        spec = effective_job("import-case", self.settings)
        tries: tuple[JobTry, ...] = ()
        ready = BEGAN + 14.0
        peak = round(chance.uniform(400, 900), 1)
        attempts = [OUT_OF_MEMORY, case.fails] if case.oom_first else [case.fails]
        for number, failure in enumerate(attempts, start=1):
            limit = 200 if failure is OUT_OF_MEMORY else 2048
            request = new_request(spec, to_json(arguments), folder, memory_mib=limit, image="radiant-operator:0.1.0")
            folder.write_request(request)
            if case.running:
                return at + 60, None
            wait, start, ran = chance.uniform(0, 9), chance.uniform(20, 30), chance.uniform(30, 90)
            ended = at + wait + start + ran
            usage = None
            if failure is not OUT_OF_MEMORY:
                usage = Usage(
                    ran,
                    1.4 * ran,
                    peak,
                    1 << 26,
                    1 << 24,
                    user_s=20.0,
                    system_s=1.5,
                    read_requests=77,
                    write_requests=9,
                    scratch_peak_mib=120.0,
                    records=5_000_000,
                    rows=9_000_000,
                    bytes_stored=200 << 20,
                )
            one = JobTry(
                attempt=request.attempt,
                try_number=number,
                code=None if failure is None else failure.code,
                times=Times(ready, at, at + wait, at + wait + start, ended),
                placement=Placement("ecs", "instance-1", "m7g.xlarge", "az1", "arm64", "FARGATE_SPOT", spot=True),
                cpu=2.0,
                memory_limit_mib=limit,
                peak_memory_mib=float(limit) if failure is OUT_OF_MEMORY else peak,
                usage=usage,
                radiant_version="0.1.0",
                image="radiant-operator:0.1.0",
            )
            tries, ready, at = (*tries, one), ended, ended + 10
            counts = RecordCounts(5_000_000, 4_990_000, 9_000, 900, 100)
            folder.write_outcome(
                Result(
                    "import-case",
                    request.attempt,
                    Status.SUCCEEDED if failure is None else Status.LOST if usage is None else Status.FAILED,
                    failure=failure,
                    output=None
                    if failure
                    else to_json(ImportOutput(case.case_id, "load", counts, case.warnings, a_file(case.case_id))),
                    digests={} if failure else {"occurrence": "a" * 64, "variant": f"{case.case_id:064x}"},
                    usage=usage,
                    tries=tries,
                    radiant_version="0.1.0",
                    image="radiant-operator:0.1.0",
                    python_version="3.11.9",
                )
            )
        if case.fails is not None:
            return ended, None
        rows = {"occurrence": 9_000_000, "variant": 5_100_000}
        return ended, ImportedCase(case.case_id, counts, rows, ran, 1.4 * ran, peak, case.warnings)

    def job(self, name, dag_id, run_id, task, arguments, output, at, ran):  # noqa: PLR0913, PLR0917 - facts of a job
        """Write one job of a whole run or part that succeeded."""
        folder = self.folder(dag_id, run_id, task)
        spec = effective_job(name, self.settings)
        given: JsonObject = to_json(arguments)
        request = new_request(spec, given, folder, memory_mib=1024, image="radiant-operator:0.1.0")
        folder.write_request(request)
        usage = Usage(ran, 0.3 * ran, 150.0, 1, 1)
        times = Times(at, at + 1, at + 1.5, at + 2, at + 2 + ran)
        place = Placement("ecs", capacity="FARGATE", architecture="arm64")
        one = JobTry(request.attempt, 1, None, times, place, 0.5, 1024, 150.0, usage, "0.1.0")
        folder.write_outcome(
            Result(name, request.attempt, Status.SUCCEEDED, output=to_json(output), usage=usage, tries=(one,))
        )

    def folder(self, dag_id, run_id, task, index=-1):
        run = run_uri(self.settings.effective_work_uri, dag_id, run_id)
        return TaskFolder(run, task_uri(run, task, index))
