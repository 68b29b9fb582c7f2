"""How far a run of `import-radiant` is: its cases, from Airflow's API and the documents of running imports."""

import dataclasses
import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Protocol

from radiant import storage
from radiant.cli.airflow_api import FINISHED_RUN, TaskInstance
from radiant.domain.partition import PlannedPart
from radiant.jobs.contracts import CommitOutput, ImportOutput, PlanOutput, PrepareOutput, output_of
from radiant.jobs.dag_ids import IMPORT_RADIANT, IMPORT_VCF
from radiant.jobs.documents import JobSummary, Status, read_job_summary, run_uri, task_uri
from radiant.jobs.reading_progress import ReadingProgress
from radiant.jobs.run_ids import block_run_id, part_run_id
from radiant.runs.case_folder import CaseFolder, has_request, read_case_folder

_LEAST_SHARE = 0.05
"""Of all cases: no time is guessed before."""
_READERS = 16
"""Folders that are looked at at once: each is a few requests to the store."""
_LOCAL_PAUSE_S, _STORE_PAUSE_S = 1.0, 10.0
"""Between two looks at the folder of a running import; a store bills each request."""


class RunReader(Protocol):
    """The methods of `AirflowApi` that reading a run needs."""

    def task_instances(self, dag_id: str, run_id: str) -> list[TaskInstance]:
        """Return all task instances of a DAG run."""
        ...

    def run_state(self, dag_id: str, run_id: str) -> str | None:
        """Return the state of a DAG run."""
        ...

    def xcom(self, dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> object:
        """Return what a task returned, None when it returned nothing."""
        ...


class Stage(StrEnum):
    """Where a case is on its way; a person reads the value."""

    QUEUED = "queued"
    """Airflow has not started its import."""
    WAITING = "waiting"
    """Its container has no place yet: quota, node, capacity; or the next try has to come."""
    STARTING = "starting"
    """Its container or process starts: image, volumes, libraries."""
    RUNNING = "running"
    READ = "read"
    """Its rows are staged; the commit of its part makes them visible."""
    IMPORTED = "imported"
    FAILED = "failed"
    REMOVED = "removed"
    """It is no case any more: its rows go with the commit of its part."""


ENDED = frozenset({Stage.READ, Stage.IMPORTED, Stage.FAILED, Stage.REMOVED})
"""Stages after the import of a case."""
UNDER_WAY = frozenset({Stage.WAITING, Stage.STARTING, Stage.RUNNING})
_STAGE_OF_TASK = {
    "success": Stage.READ,
    "failed": Stage.FAILED,
    "upstream_failed": Stage.FAILED,
    "skipped": Stage.FAILED,
    "removed": Stage.FAILED,
    "up_for_retry": Stage.WAITING,
    "up_for_reschedule": Stage.WAITING,
    "restarting": Stage.WAITING,
}
_STARTED = frozenset({"running", "deferred"})


@dataclass(frozen=True, slots=True)
class CaseProgress:
    """How far one case is."""

    case_id: int
    stage: Stage = Stage.QUEUED
    try_number: int = 0
    """Of the import's task, from 1; 0 before the first one."""
    seconds: float | None = None
    """Of the try so far, or of the last one; None before the first one."""
    reading: ReadingProgress | None = None
    """Of a running import; None where it left no document yet."""
    records: int = 0
    """Data lines of a case that is read."""
    peak_memory_mib: float | None = None
    """Of a case that is read."""
    code: str = ""
    """Of a failure."""
    reason: str = ""
    """Of a failure, in sentences; may quote a file."""
    has_documents: bool = True
    """Its task has left documents where this machine looks for them."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is at one moment."""

    phase: str
    """One word: planning, importing, committing, finished."""
    cases: tuple[CaseProgress, ...] = ()
    """All cases of the plan, in the order in which their parts are imported; none before there is a plan."""
    elapsed_s: float = 0
    """Since the first case began, until the last one was read."""
    run_s: float = 0
    """Since the run's first task began."""

    @property
    def total(self) -> int:
        """Cases to import; 0 while it is not known."""
        return len(self.cases)

    @property
    def done(self) -> int:
        """Cases whose import ended, well or not."""
        return sum(case.stage in ENDED for case in self.cases)

    @property
    def failed(self) -> int:
        """Those of `done` that failed."""
        return self.count(Stage.FAILED)

    @property
    def records(self) -> int:
        """VCF records read so far, by running imports too."""
        return sum(case.reading.records if case.reading else case.records for case in self.cases)

    @property
    def records_per_s(self) -> float:
        """Records read per second since the first case began."""
        return self.records / self.elapsed_s if self.elapsed_s > 0 else 0.0

    @property
    def eta_s(self) -> float | None:
        """Seconds until the last case is read if the rest goes as fast; None while little is read."""
        parts = (case.reading.percent / 100 for case in self.cases if case.reading and case.stage not in ENDED)
        share = (self.done + sum(parts)) / self.total if self.total else 0.0
        return self.elapsed_s * (1 - share) / share if share >= _LEAST_SHARE else None

    def count(self, stage: Stage) -> int:
        """Return how many cases are at a stage."""
        return sum(case.stage is stage for case in self.cases)


def read_plan(api: RunReader, run_id: str) -> PlanOutput | None:
    """Return the plan of a run of `import-radiant`, None while there is none.

    Raises:
        JobProtocolError: the XCom is of another version.
    """
    summary = _summary(api, IMPORT_RADIANT, run_id, "plan")
    return output_of(summary, PlanOutput) if summary and summary.status is Status.SUCCEEDED else None


def import_run_id(run_id: str, part: PlannedPart, block: int) -> str:
    """Return the id of the run of `import-vcf` for a block of one part's cases, as the DAGs name it.

    Args:
        run_id: Of the run of `import-radiant`.
        part: As `plan-import` returned it.
        block: From 1.
    """
    return block_run_id(part_run_id(run_id, part.part, part.cases), block)


@dataclass(slots=True)
class _Block:
    """A run of `import-vcf`: what was read of it and cannot change any more."""

    run_id: str
    prepared: PrepareOutput | None = None
    committed: CommitOutput | None = None
    tasks: list[TaskInstance] = field(default_factory=list[TaskInstance])
    ended: bool = False
    is_here: bool = False
    """Its first task has left its request where this machine looks for documents, so that the others do, too."""
    summaries: dict[tuple[int, int], JobSummary | None] = field(
        default_factory=dict[tuple[int, int], JobSummary | None]
    )
    """Of imports that ended, by map index and try; one that ended well has a summary, if not yet."""

    @property
    def known_cases(self) -> int:
        """How many cases it takes, however they end."""
        one = self.prepared
        return 0 if one is None else len(one.cases) + len(one.refused) + len(one.deleted)

    @property
    def imports(self) -> list[TaskInstance]:
        """The tasks that import a case each."""
        return [one for one in self.tasks if one.task_id == "import_case" and one.map_index >= 0]

    def has_succeeded(self, task_id: str) -> bool:
        """Return whether one of its single tasks ended well."""
        return any(one.task_id == task_id and one.state == "success" for one in self.tasks)


@dataclass
class RunProgress:
    """Reads the progress of one run. What cannot change any more is read once."""

    api: RunReader
    run_id: str
    work_uri: str
    """Where the documents of the run's jobs are."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    _parts: tuple[PlannedPart, ...] | None = None
    _blocks: dict[str, _Block] = field(default_factory=dict[str, _Block])
    _over: set[int] = field(default_factory=set[int])
    _folders: dict[str, tuple[float, CaseFolder]] = field(default_factory=dict[str, tuple[float, CaseFolder]])
    """What was found in the folder of a running import, and when, by its URI."""
    _began: datetime | None = None

    def read(self) -> Progress:
        """Return how far the run is.

        Raises:
            AirflowError: Airflow answers with an error.
            AirflowUnavailableError: no answer; another read may get one.
            JobProtocolError: an XCom is of another version.
        """
        state = self.api.run_state(IMPORT_RADIANT, self.run_id)
        ended = state is None or state in FINISHED_RUN
        if self._parts is None and (plan := read_plan(self.api, self.run_id)) is not None:
            self._parts = plan.parts
        parts = self._parts
        if parts is None:
            return Progress("finished" if ended else "planning")
        started = self._started(parts)
        blocks = [block for part in started for block in self._read_blocks(part)]
        cases = {case: CaseProgress(case) for part in parts for case in part.cases}
        for block in blocks:
            cases |= {case.case_id: case for case in self._cases_of(block)}
        imports = [one for block in blocks for one in block.imports]
        begun = [one.start_date for one in imports if one.start_date]
        progress = Progress("importing", tuple(cases.values()))
        # When all are done the clock stops: the commit is no reading.
        last = max((one.end_date for one in imports if one.end_date), default=None)
        until = last if last is not None and progress.done == progress.total else self.now()
        phase = "importing" if progress.done < progress.total else "committing"
        return dataclasses.replace(
            progress,
            phase="finished" if ended else phase,
            elapsed_s=max((until - min(begun)).total_seconds(), 0.0) if begun else 0.0,
            run_s=max((self.now() - self._began).total_seconds(), 0.0) if self._began else 0.0,
        )

    def _started(self, parts: Sequence[PlannedPart]) -> Sequence[PlannedPart]:
        """Return the parts whose runs may exist; one call instead of one per part."""
        if len(self._over) == len(parts):
            return parts
        waiting = {None, "scheduled", "queued"}
        all_tasks = self.api.task_instances(IMPORT_RADIANT, self.run_id)
        if self._began is None:
            self._began = min((one.start_date for one in all_tasks if one.start_date), default=None)
        tasks = [one for one in all_tasks if one.task_id == "import_part" and one.map_index >= 0]
        started = {one.map_index for one in tasks if one.state not in waiting}
        # Where there are more parts than Airflow maps a task over, each task runs every n-th part.
        return [part for index, part in enumerate(parts) if tasks and index % len(tasks) in started]

    def _read_blocks(self, part: PlannedPart) -> list[_Block]:
        """Return the runs of `import-vcf` of one part; a further run begins when one has ended."""
        found: list[_Block] = []
        for number in itertools.count(1):
            run_id = import_run_id(self.run_id, part, number)
            block = self._blocks.setdefault(run_id, _Block(run_id))
            if not block.ended:
                state = self.api.run_state(IMPORT_VCF, run_id)
                if state is None and number > 1:
                    return found
                self._refresh(block, ended=state in FINISHED_RUN)
            found.append(block)
            complete = sum(one.known_cases for one in found) >= len(part.cases)
            if block.ended and complete:
                self._over.add(part.part)
            if complete or not block.ended:
                return found
        raise AssertionError

    def _refresh(self, block: _Block, *, ended: bool) -> None:
        block.tasks, block.ended = self.api.task_instances(IMPORT_VCF, block.run_id), ended
        if block.prepared is None and block.has_succeeded("prepare"):
            summary = _summary(self.api, IMPORT_VCF, block.run_id, "prepare")
            block.prepared = output_of(summary, PrepareOutput) if summary else None
        if block.committed is None and block.has_succeeded("commit"):
            summary = _summary(self.api, IMPORT_VCF, block.run_id, "commit")
            block.committed = output_of(summary, CommitOutput) if summary else None

    def _cases_of(self, block: _Block) -> list[CaseProgress]:
        """Return the cases of a block as far as they are known: those that `prepare` claimed, refused or removed."""
        prepared = block.prepared
        if prepared is None:
            return []
        folders = self._look_at([one for one in block.imports if one.state in _STARTED], block)
        tasks = {one.map_index: one for one in block.imports}
        found = {
            case.case_id: self._case(case.case_id, tasks.get(index), block, folders)
            for index, case in enumerate(prepared.cases)
        }
        for one in prepared.refused:
            found[one.case_id] = CaseProgress(one.case_id, Stage.FAILED, code=one.code, reason=one.reason)
        for case_id in prepared.deleted:
            found[case_id] = CaseProgress(case_id, Stage.REMOVED)
        return list((found | _decided(block, found)).values())

    def _case(
        self, case_id: int, task: TaskInstance | None, block: _Block, folders: Mapping[int, CaseFolder]
    ) -> CaseProgress:
        if task is None:
            return CaseProgress(case_id)
        begin, end = task.start_date, task.end_date
        case = CaseProgress(
            case_id,
            _STAGE_OF_TASK.get(task.state or "", Stage.QUEUED),
            try_number=task.try_number,
            seconds=((end or self.now()) - begin).total_seconds() if begin else None,
        )
        folder = folders.get(task.map_index)
        if folder is not None:
            # A task writes its request seconds after Airflow calls it running.
            has_documents = folder.has_documents or block.is_here
            stage = Stage.RUNNING if folder.reading or not has_documents else Stage.STARTING
            stage = Stage.WAITING if folder.waits_for_room else stage
            return dataclasses.replace(case, stage=stage, reading=folder.reading, has_documents=has_documents)
        if case.stage not in {Stage.READ, Stage.FAILED}:
            return case
        key = (task.map_index, task.try_number)
        is_late = case.stage is Stage.READ and not block.ended and block.summaries.get(key) is None
        if is_late or key not in block.summaries:
            block.summaries[key] = _summary(self.api, IMPORT_VCF, block.run_id, "import_case", task.map_index)
        summary = block.summaries[key]
        if summary is None:
            return case
        return dataclasses.replace(
            case,
            records=output_of(summary, ImportOutput).records.read if summary.status is Status.SUCCEEDED else 0,
            peak_memory_mib=summary.peak_memory_mib,
            code=summary.code or "",
            reason=summary.reason or "",
        )

    def _look_at(self, tasks: Sequence[TaskInstance], block: _Block) -> dict[int, CaseFolder]:
        """Return what is in the folders of running imports, by map index; each folder is looked at at intervals."""
        run = run_uri(self.work_uri, IMPORT_VCF, block.run_id)
        uris = {one.map_index: task_uri(run, one.task_id, one.map_index) for one in tasks}
        tries = {uris[one.map_index]: one.try_number for one in tasks}
        pause_s = _LOCAL_PAUSE_S if storage.local_path(self.work_uri) is not None else _STORE_PAUSE_S
        now = time.monotonic()
        due = [uri for uri in uris.values() if uri not in self._folders or now - self._folders[uri][0] >= pause_s]
        with ThreadPoolExecutor(_READERS) as pool:
            looks = pool.map(read_case_folder, due, [tries[uri] for uri in due])
            self._folders |= {uri: (now, found) for uri, found in zip(due, looks, strict=True)}
        if due and not block.is_here:
            block.is_here = has_request(task_uri(run, "prepare"))
        return {index: self._folders[uri][1] for index, uri in uris.items()}


def _decided(block: _Block, cases: Mapping[int, CaseProgress]) -> dict[int, CaseProgress]:
    """Return the cases of a block that its commit decided; without one the end of the run decides."""
    if block.committed is None:
        read = (case for case in cases.values() if block.ended and case.stage is Stage.READ)
        return {case.case_id: dataclasses.replace(case, stage=Stage.FAILED, code="NotCommitted") for case in read}
    found: dict[int, CaseProgress] = {}
    for one in block.committed.imported:
        before = cases.get(one.case_id, CaseProgress(one.case_id))
        found[one.case_id] = dataclasses.replace(
            before, stage=Stage.IMPORTED, records=one.records.read, peak_memory_mib=one.peak_memory_mib
        )
    for one in block.committed.failed:
        before = cases.get(one.case_id, CaseProgress(one.case_id))
        found[one.case_id] = dataclasses.replace(before, stage=Stage.FAILED, code=one.code, reason=one.reason)
    return found


def _summary(api: RunReader, dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> JobSummary | None:
    xcom = api.xcom(dag_id, run_id, task_id, map_index)
    if xcom is None:
        return None
    which = task_id if map_index < 0 else f"{task_id} {map_index}"
    return read_job_summary(xcom, f"the XCom of {which} of run {run_id}")
