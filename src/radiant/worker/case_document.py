"""The documents of one case in the folder of its run.

| URI below the run | written by | read by |
|---|---|---|
| `prepared.json`, the cases in the order of the mapped task | `prepare-part` | a repetition of `prepare-part` |
| `cases/<case>.json`, the case document | `prepare-part` | `import-case`, `commit-part` |
| `cases/<case>.<attempt>.staged.json`, manifest, report and facts of the case | `import-case` | `commit-part` |
| `committing.json`, the loads that a commit takes | `commit-part`, before all else | `import-case`, before it deletes |

The case document has all that `import-case` needs, so that it needs neither registry nor catalog. `commit-part` reads
the staged document of the attempt that counts, which has all that it needs of a case beside the outcome. It removes
the document of a case whose failure it has recorded: an import that starts after that must not read the case as it was.

An import deletes what an earlier attempt of its load staged, and must not delete what a commit takes. So the commit
names its loads before it looks which attempt counts, and the import looks for them after it was requested: either the
commit finds that a later attempt was requested, and takes nothing of the load, or the import finds the load named.
"""

import dataclasses
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from typing import Annotated, cast

from pydantic import PlainValidator

from radiant import storage
from radiant.domain.case import Case
from radiant.errors import InputError, JobProtocolError
from radiant.jobs.codec import JsonObject, decode, encode, from_json, to_json
from radiant.jobs.contracts import RecordCounts
from radiant.lake import Manifest, StoredTableRef, TableRef
from radiant.vcf import DEFAULT, InfoOptions
from radiant.vcf.report import Provenance


def _table(stored: JsonObject) -> TableRef:
    try:
        return TableRef.from_json(cast("StoredTableRef", stored))
    except (KeyError, TypeError) as error:
        msg = f"it is no description of a table, {error!r}"
        raise ValueError(msg) from error


@dataclass(frozen=True, slots=True)
class CaseDocument:
    """One load of one case: what `import-case` has to do."""

    case: Case
    part: int
    """The partition of its rows."""
    load_id: str
    """This import of the case; its staged files carry it."""
    tolerate: int
    """Greatest number of rejected lines with which the case is imported."""
    compound_het_impact: str
    """VEP impact from which two heterozygous alleles of a gene can be a pair."""
    fasta: str | None
    """URI of the reference FASTA, None without one."""
    tables: dict[str, Annotated[TableRef, PlainValidator(_table)]]
    """By short name: where each table is and which columns it has."""
    committed: bool = False
    """The rows of this load are visible: nothing is left to do."""
    info: InfoOptions = DEFAULT
    """Which INFO keys frequencies are read from, and where keys without a column go."""


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """The keys of an import report that later jobs use."""

    lines: RecordCounts
    warnings: tuple[str, ...]
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class StagedFacts:
    """What `commit-part` needs of a case and its import beside the rows."""

    strategy: str
    assembly: str
    samples: int
    """Members of the case, 1 without a pedigree."""
    cpu: float | None
    """Cores that the import requested."""
    memory_mib: int | None
    """Memory that it requested."""


@dataclass(frozen=True, slots=True)
class StagedDocument:
    """What `import-case` staged, complete."""

    manifest: Manifest
    report: JsonObject
    """`ImportReport.to_json()`, as the table `case_load` stores it."""
    case: StagedFacts | None = None
    """None in a document of a version that had them in the case document and the request alone."""

    def facts(self) -> ReportFacts:
        """Return what later jobs use of the report.

        Raises:
            JobProtocolError: the report is of another version.
        """
        used = {name: self.report.get(name) for name in ("lines", "warnings", "provenance")}
        where = f"the report of case {self.manifest.case_id}"
        return from_json(ReportFacts, used, where=where, what="a report of this version", remedy=_IMPORT_AGAIN)

    @property
    def radiant_version(self) -> str | None:
        """The version of radiant that staged the rows; None in a report without it."""
        provenance = self.report.get("provenance")
        version = provenance.get("radiant_version") if isinstance(provenance, dict) else None
        return version if isinstance(version, str) else None

    def with_warning(self, warning: str) -> "StagedDocument":
        """Return the document with a further warning in its report."""
        return dataclasses.replace(self, report=self.report | {"warnings": [*self.facts().warnings, warning]})


@dataclass(frozen=True, slots=True)
class PreparedCases:
    """The cases of a run as `prepare-part` found them."""

    cases: tuple[int, ...] = ()
    """In the order of the mapped task."""
    deleted: tuple[int, ...] = ()
    """Removed cases whose rows must go."""


@dataclass(frozen=True, slots=True)
class CommittedLoads:
    """The loads whose staged files a commit of a run takes, or took."""

    loads: tuple[str, ...] = ()


_IMPORT_AGAIN = "Import the case again"


def case_uri(run_uri: str, case_id: int) -> str:
    """Return the URI of the case document in a run."""
    return storage.join(run_uri, "cases", f"{case_id}.json")


def staged_uri(run_uri: str, case_id: int, attempt: str) -> str:
    """Return the URI of the manifest that one attempt writes."""
    return storage.join(run_uri, "cases", f"{case_id}.{attempt}.staged.json")


def prepared_uri(run_uri: str) -> str:
    """Return the URI of the run's list of cases."""
    return storage.join(run_uri, "prepared.json")


def committing_uri(run_uri: str) -> str:
    """Return the URI of the list of loads that a commit of the run takes."""
    return storage.join(run_uri, "committing.json")


def write_committing(run_uri: str, load_ids: Iterable[str]) -> None:
    """Name the loads that a commit takes, before it looks which attempt of each counts."""
    storage.write_bytes(committing_uri(run_uri), encode(CommittedLoads(tuple(load_ids))))


def is_committing(run_uri: str, load_id: str) -> bool:
    """Return whether a commit takes, or took, the staged files of a load.

    Raises:
        JobProtocolError: the list is of another version.
    """
    uri = committing_uri(run_uri)
    try:
        data = storage.read_bytes(uri)
    except InputError:
        return False
    found = decode(CommittedLoads, data, where=uri, what="a list of this version", remedy="Start another run")
    return load_id in found.loads


def write_prepared(run_uri: str, prepared: PreparedCases) -> None:
    """Write the list of the run's cases."""
    storage.write_bytes(prepared_uri(run_uri), encode(prepared))


def read_prepared(run_uri: str) -> PreparedCases:
    """Return the list of the run's cases as it was prepared before, an empty one for a run that was not prepared.

    Raises:
        JobProtocolError: it is no list of this version.
    """
    uri = prepared_uri(run_uri)
    try:
        data = storage.read_bytes(uri)
    except InputError:
        return PreparedCases()
    return decode(PreparedCases, data, where=uri, what="a list of this version", remedy="Start another run")


def write_case(uri: str, document: CaseDocument) -> None:
    """Write a case document."""
    stored = to_json(dataclasses.replace(document, tables={}))
    tables = {name: table.to_json() for name, table in document.tables.items()}
    storage.write_bytes(uri, json.dumps(stored | {"tables": tables}, ensure_ascii=False).encode())


def read_case(uri: str) -> CaseDocument:
    """Read a case document.

    Raises:
        InputError: there is none.
        JobProtocolError: it is no case document of this version.
    """
    what, remedy = "a case document of this version", "Run prepare-part again"
    return decode(CaseDocument, storage.read_bytes(uri), where=uri, what=what, remedy=remedy)


def write_staged(uri: str, staged: StagedDocument) -> None:
    """Write the manifest of a case's staged rows, with the report."""
    storage.write_bytes(uri, encode(staged))


def read_staged(uri: str) -> StagedDocument:
    """Read the manifest of a case's staged rows, with the report.

    Raises:
        InputError: there is none.
        JobProtocolError: it is no manifest of this version, or a newer radiant staged the rows.
    """
    data = storage.read_bytes(uri)
    staged = decode(StagedDocument, data, where=uri, what="a manifest of this version", remedy=_IMPORT_AGAIN)
    by, here = staged.radiant_version, _own_version()
    if by is not None and by != here and _release(by) > _release(here):
        msg = (
            f"{uri}: radiant {by} staged the rows of case {staged.manifest.case_id}, and this is radiant {here}, which "
            "may lack their columns. Run that version here, too, and `radiant upgrade`; or import the case again"
        )
        raise JobProtocolError(msg)
    return staged


@cache
def _own_version() -> str:
    return metadata.version("radiant")


def _release(version: str) -> tuple[int, ...]:
    """Return the numbers of a version before any suffix: `0.10.1rc1` is (0, 10, 1)."""
    found = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(map(int, found.group().split("."))) if found else ()


def staged_before(run_uri: str, case_id: int, load_id: str) -> StagedDocument | None:
    """Return the manifest that an earlier attempt of this load left in the run's folder, None where there is none."""
    start = storage.join(run_uri, "cases", f"{case_id}.")
    for uri in storage.list_files(storage.join(run_uri, "cases")):
        if uri.startswith(start) and uri.endswith(".staged.json"):
            staged = read_staged(uri)
            if staged.manifest.load_id == load_id:
                return staged
    return None
