"""The interface of the registry."""

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import sqlalchemy as sa

from radiant.domain.case import Case, CaseState, WaitingCases
from radiant.domain.partition import Identity, Plan, identities
from radiant.errors import CaseStateError
from radiant.jobs.usage import TaskUsage
from radiant.registry import erasure, loads, planning, registration, task_usage, waiting
from radiant.registry.changes import file_statuses
from radiant.registry.database import Database
from radiant.registry.erasure import Erasure
from radiant.registry.lifecycle import Lease
from radiant.registry.model import CaseRow, HistoryRow
from radiant.registry.records import (
    AddOutcome,
    CaseFailure,
    CaseRecord,
    Claim,
    CommitGate,
    DueCases,
    FinishedImport,
    HistoryEntry,
    InUse,
    PartitionState,
    Registration,
)
from radiant.registry.rows import find, find_all, to_history, to_record


def utc_now() -> dt.datetime:
    """Return the time, UTC."""
    return dt.datetime.now(dt.UTC)


class Registry:
    """Cases, their members, files, states and history, in SQLite or PostgreSQL.

    Every method is one short transaction or two (files are read in between, never inside one); several processes may
    use the same registry at once. A method that raises has changed nothing, except `finish_imported`.

    Args:
        url: SQLAlchemy URL (`settings.effective_registry_url`). Tables are made if missing.
        prefixes: Where files of registered cases are read again, see `storage.check_input_place`.
        clock: Returns the time, UTC.

    Raises:
        ConfigError: the URL is wrong, its driver is missing, or the tables are of another version.
        RegistryUnavailableError: the database does not answer; every method may raise it. Its message has no
            password.
    """

    def __init__(self, url: str, *, prefixes: Collection[str] = (), clock: Callable[[], dt.datetime] = utc_now) -> None:
        self._database = Database(url)
        self._prefixes = prefixes
        self._clock = clock

    def add(self, case: Registration, *, replace: bool = True, assembly: str = "GRCh38") -> AddOutcome:
        """Register a case, or bring a registered one up to date.

        A case is found by its number, else by the URI of its VCF. Adding the same twice changes nothing, and what is
        not stated stays as it is. Another VCF (other content, or at another place), pedigree, strategy or assembly
        makes the case due again; another priority is only recorded. While the case is being imported, that import goes
        on and the case is due after it. A removed case comes back under its number.

        Args:
            case: The case.
            replace: Whether a registered case may get another file, strategy, priority, assembly or proband; if not,
                nothing is done and the outcome has the differences. New content of the same files is always taken.
            assembly: Of a new case that states none.

        Raises:
            PedigreeError: the pedigree breaks a rule.
            InputError: the VCF or PED file is missing or unreadable, the number is not positive, or the VCF is known
                under several numbers, or under one with another family.
            StorageError: the store of a file does not answer.
        """
        return registration.add(self._database, case, self._clock(), replace=replace, assembly=assembly)

    def get(self, case_id: int) -> CaseRecord:
        """Return a case.

        Raises:
            CaseNotFoundError: there is none of that number.
        """
        with self._database.read() as session:
            return to_record(find(session, case_id))

    def list_cases(self, state: CaseState | None = None) -> list[CaseRecord]:
        """Return all cases, or those in one state, by number."""
        wanted = sa.select(CaseRow).order_by(CaseRow.case_id)
        if state is not None:
            wanted = wanted.where(CaseRow.state == state)
        with self._database.read() as session:
            return [to_record(row) for row in session.scalars(wanted)]

    def numbers(self, state: CaseState) -> set[int]:
        """Return the numbers of the cases in one state."""
        with self._database.read() as session:
            return set(session.scalars(sa.select(CaseRow.case_id).where(CaseRow.state == state)))

    def history(self, case_id: int) -> list[HistoryEntry]:
        """Return the history of a case, oldest entry first.

        Raises:
            CaseNotFoundError: there is none of that number.
        """
        wanted = sa.select(HistoryRow).where(HistoryRow.case_id == case_id).order_by(HistoryRow.entry)
        with self._database.read() as session:
            find(session, case_id)
            return [to_history(row) for row in session.scalars(wanted)]

    def remove(self, case_id: int) -> CaseRecord:
        """Mark a case as deleted; the next run removes its rows. Removing it twice changes nothing.

        Raises:
            CaseNotFoundError: there is none of that number.
        """
        with self._database.write() as session:
            return registration.remove(session, case_id, self._clock())

    def due(
        self, requested: Collection[int] | None = None, *, run: str | None = None, lost: Collection[int] = ()
    ) -> DueCases:
        """Return the cases to import now, and the removed ones whose rows must go.

        Without `requested`: registered cases; imported or failed ones whose VCF or pedigree changed since it was read;
        those that failed for a reason that may pass; those whose run's lease ended; removed ones that are not purged;
        imported ones that are `lost`.
        A case that failed by bad input is due again only when a file of it changed, or on request. A VCF that is gone
        does not make an imported case due: nothing could be imported in its place. With `requested`: these, in any
        state.

        Pedigree files that changed are read again, here, and their members stored.

        Args:
            requested: Case numbers, None for all that are due.
            run: The run that plans; what an earlier plan assigned to it is due again, so that planning can be
                repeated.
            lost: Numbers of the cases without rows in the lake.

        Returns:
            Cases that another run holds, that were purged, or whose pedigree or store cannot be read are in `blocked`.

        Raises:
            CaseNotFoundError: a requested number is not registered.
        """
        return planning.due(self._database, self._clock(), requested, run, lost, self._prefixes)

    def placement(self) -> PartitionState:
        """Return the part of every id and the experiments per part, for `domain.partition.plan`."""
        with self._database.read() as session:
            return planning.placement(session)

    def parts_of(self, case: Case) -> dict[Identity, int]:
        """Return the part of each id that ties a case to others; an id without a part is left out."""
        with self._database.read() as session:
            return planning.parts_of(session, identities(case))

    def assign(self, plan: Plan, *, run: str, lease_s: int) -> dict[int, str]:
        """Store the parts of a plan and reserve its cases (`assigned`).

        A case of an earlier plan of the run that is not in this one is registered again.

        Returns:
            Reason by number of the cases that were refused: held by another run, changed or removed since `due`.

        Raises:
            CaseNotFoundError: the plan names a case that is not registered.
        """
        with self._database.write() as session:
            return planning.assign(session, plan, self._lease(run, lease_s))

    def claim(  # noqa: PLR0913 - all but two by name
        self,
        part: int,
        case_ids: Sequence[int] | None,
        *,
        run: str,
        lease_s: int,
        again: Sequence[int] = (),
        visible: Mapping[int, str] | None = None,
        most: int | None = None,
    ) -> Claim:
        """Take cases of one part for import (`importing`), each with a load id.

        `case_ids` None takes all of the part that wait: registered, assigned, those whose lease ended, and the removed
        ones whose rows must go. Named ones are taken in any state. A case that another run imports is refused
        until its lease ends. Pedigree files that changed since they were read are read again, here, and their members
        stored; ids without a part become ids of this part.

        The job can be repeated, even after a case was repaired and its task cleared: a case that the same run claimed
        before keeps its load where neither its files nor its registration have changed and the load has not failed; any
        other gets a new one.

        The claim of one case never depends on another's. `Claim.refused` must reach the person who started the run.

        Args:
            part: The part.
            case_ids: The cases, None for all that wait.
            run: The run that claims.
            lease_s: How long the lease holds.
            again: Cases that this run claimed before; they are claimed beside `case_ids`.
            visible: Load id by case of the rows in the lake; a load that is not there is not kept as committed.
            most: The most cases that are claimed; those of `again` first, then by urgency.

        Returns:
            `unfinished` lists earlier loads of these cases, ended without a commit: delete their staged files, then
            call `mark_cleaned`. A load that `begin_commit` passed is never in it unless it certainly did not land.

        Raises:
            CaseNotFoundError: a number is not registered.
        """
        with self._database.read() as session:
            wanted = planning.waiting_in(session, part, self._clock()) if case_ids is None else list(case_ids)
            wanted = list(dict.fromkeys([*again, *wanted]))
            records = [to_record(row) for row in find_all(session, wanted).values()]
            revisions = {row.case_id: row.revision for row in find_all(session, wanted).values()}
        files = file_statuses([file for record in records for file in record.files], self._prefixes)
        pedigrees = planning.changed_pedigrees(records, revisions, files)
        scope = loads.ClaimScope(part, wanted, frozenset(again), visible or {}, most)
        with self._database.write() as session:
            return loads.claim(session, scope, self._lease(run, lease_s), files, pedigrees)

    def committed(self, load_ids: Iterable[str]) -> frozenset[str]:
        """Return which of these loads are recorded as visible."""
        with self._database.read() as session:
            return loads.committed(session, load_ids)

    def begin_erasure(self, case_id: int, reason: str) -> Erasure:
        """Remove a case for good: no import of it begins any more, and no commit of it passes. Repeating it is fine.

        Raises:
            CaseNotFoundError: there is none of that number.
            CaseStateError: a run holds the case; nothing changed.
        """
        with self._database.write() as session:
            return erasure.begin(session, case_id, reason, self._clock())

    def finish_erasure(self, case_id: int) -> dict[str, int]:
        """Delete all that is stored of a case except its number and the fact of its erasure; return the rows by table.

        The files of a SQLite registry are written again, so that no deleted row stays in them.

        Raises:
            CaseStateError: the case is not being erased.
        """
        with self._database.write() as session:
            gone = erasure.finish(session, case_id, self._clock())
        self._database.compact()
        return gone

    def erasure(self, case_id: int) -> Erasure | None:
        """Return the erasure of a case, None for a case that is not erased."""
        with self._database.read() as session:
            return erasure.of_case(session, case_id)

    def names_of_others(self, case_id: int) -> set[str]:
        """Return the patients, experiments, families, samples and files of all other cases."""
        with self._database.read() as session:
            return erasure.names_of_others(session, case_id)

    def in_use(self, since: dt.datetime) -> InUse:
        """Return the loads and the runs whose files an import may still need.

        Args:
            since: A load of which it is unknown whether its commit landed counts if it ended at this time or later.
        """
        with self._database.read() as session:
            return loads.in_use(session, since)

    def mark_cleaned(self, load_ids: Iterable[str]) -> None:
        """Record that no staged file of these loads is left."""
        with self._database.write() as session:
            loads.mark_cleaned(session, load_ids)

    def begin_commit(self, claimed: Sequence[tuple[int, str]], deleted: Sequence[int], token: str) -> CommitGate:
        """Return, directly before the lake's commit, which loads (case id, load id) and removals still count.

        After it the files of these loads are never listed as unfinished. A load that was committed before passes
        again, so that the job can be repeated with the same token. Loads that were superseded or released, and removed
        cases that were added again, are refused: committing them would put older rows over newer ones.

        Raises:
            CaseNotFoundError: a number is not registered.
            CaseStateError: a load id belongs to another case.
        """
        with self._database.write() as session:
            return loads.begin_commit(session, claimed, deleted, token)

    def finish_imported(self, case_id: int, load_id: str, *, vcf_sha256: str | None = None) -> None:
        """Record that a load is visible in the lake. Repeating it changes nothing.

        A case that was changed while it was imported becomes `registered` again.

        Args:
            case_id: The case.
            load_id: The load that was committed.
            vcf_sha256: Digest of the bytes that were read. With it, a VCF with another time and the same content is not
                imported again.

        Raises:
            CaseStateError: the load is no longer the case's current one. Its rows may have landed nevertheless, so the
                case is made due again (or to be purged again) before this is raised.
        """
        with self._database.write() as session:
            refused = loads.finish_imported(session, case_id, load_id, self._clock(), vcf_sha256)
        if refused is not None:
            raise CaseStateError(refused)

    def finish_imports(self, imports: Sequence[FinishedImport]) -> dict[int, str]:
        """Record that loads are visible in the lake, all in one transaction; see `finish_imported`.

        Returns:
            Why a load is no longer the current one of its case, by case.
        """
        with self._database.write() as session:
            return loads.finish_imports(session, imports, self._clock())

    def finish_failed(self, case_id: int, load_id: str, code: str, reason: str, *, retryable: bool) -> None:
        """Record why a load failed. Repeating it changes nothing.

        Args:
            case_id: The case.
            load_id: The load that failed.
            code: Of the error class, or the platform's reason. `CommitConflict`: nothing landed. `CommitUnknown`: it is
                unknown whether it landed, and the staged files are left alone.
            reason: The message.
            retryable: Whether it may pass: the next planning makes the case due again.

        Raises:
            CaseStateError: the load is no longer the case's current one, or it was committed.
        """
        # A message may quote bytes that the database cannot store.
        storable = reason.encode(errors="backslashreplace").decode().replace("\0", "\\x00")
        failure = CaseFailure(code, storable, retryable)
        with self._database.write() as session:
            loads.finish_failed(session, case_id, load_id, failure, self._clock())

    def mark_purged(self, case_ids: Iterable[int]) -> None:
        """Record that no table holds rows of these removed cases any more.

        Ids that only they had are free for another part. A case that was added again meanwhile is left as it is.
        """
        with self._database.write() as session:
            loads.mark_purged(session, case_ids, self._clock())

    def record_usage(self, usages: Sequence[TaskUsage], *, keep_days: int) -> None:
        """Store tries of jobs; a try that is stored again replaces itself. Those of long ago are deleted.

        Args:
            usages: The tries.
            keep_days: How long a try is kept after it was stored.
        """
        with self._database.write() as session:
            task_usage.record(session, usages, self._clock(), keep_days)

    def usage(self, *, run: str | None = None, since: dt.datetime | None = None) -> list[TaskUsage]:
        """Return the tries that are stored, in the order in which they ended.

        Args:
            run: URI of a run's folder, None for all runs.
            since: Stored at this time or later.
        """
        with self._database.read() as session:
            return task_usage.read(session, run, since)

    def waiting(self) -> WaitingCases:
        """Return how many cases wait for their import, and since when the first of them does."""
        with self._database.read() as session:
            return waiting.waiting(session)

    def release(self, runs: Collection[str]) -> list[int]:
        """Return every case that these dead runs hold to `registered`.

        Returns:
            The cases that are `registered` again, by number.
        """
        with self._database.write() as session:
            return loads.release(session, runs, self._clock())

    def _lease(self, run: str, lease_s: int) -> Lease:
        # Called inside the writing transaction: the wait for other writers must not use up the lease.
        now = self._clock()
        return Lease(run, now, now + dt.timedelta(seconds=lease_s))
