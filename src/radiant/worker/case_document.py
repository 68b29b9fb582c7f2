"""The case document: all that `import-case` needs to know, so that it needs neither registry nor catalog.

`prepare-part` writes one per case to `<run_uri>/cases/<case_id>.json`; `import-case` answers with the manifest of what
it staged, `<run_uri>/cases/<case_id>.<attempt>.staged.json`. `commit-part` reads the manifest of the attempt that
counts, and removes the document of a case whose failure it has recorded: an import that starts after that must not read
the case as it was. `<run_uri>/prepared.json` has the cases of the run in the order of the mapped task.
"""

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from radiant import storage
from radiant.domain.case import Affected, Case, Member, Priority, Sex
from radiant.errors import InputError, JobProtocolError
from radiant.lake import Manifest, TableRef
from radiant.vcf import DEFAULT, InfoOptions


@dataclass(frozen=True, slots=True)
class CaseDocument:
    """One case to import, once."""

    case: Case
    part: int
    """The partition its rows belong to."""
    load_id: str
    """This import of the case; its staged files carry it."""
    tolerate: int
    """Up to this many rejected lines are let through."""
    compound_het_impact: str
    """VEP impact from which two heterozygous alleles of a gene can be a pair."""
    fasta: str | None
    """URI of the reference FASTA, None without one."""
    tables: dict[str, TableRef]
    """By short name: where each table is and which columns it has."""
    committed: bool = False
    """The rows of this load are visible: nothing is left to do."""
    info: InfoOptions = DEFAULT
    """What frequencies are read from, and where INFO keys without a column go."""


@dataclass(frozen=True, slots=True)
class Staged:
    """What `import-case` staged, complete."""

    manifest: Manifest
    report: dict[str, Any]
    """`ImportReport.to_json()`."""


def case_uri(run_uri: str, case_id: int) -> str:
    """Return where the case document of a run is."""
    return storage.join(run_uri, "cases", f"{case_id}.json")


def staged_uri(run_uri: str, case_id: int, attempt: str) -> str:
    """Return where one attempt's manifest of a case's staged rows is."""
    return storage.join(run_uri, "cases", f"{case_id}.{attempt}.staged.json")


def prepared_uri(run_uri: str) -> str:
    """Return where the run's list of cases is."""
    return storage.join(run_uri, "prepared.json")


def write_prepared(run_uri: str, cases: Sequence[int], deleted: Sequence[int]) -> None:
    """Write which cases the run has, in the order of its mapped task, and which removed ones."""
    storage.write_bytes(prepared_uri(run_uri), json.dumps({"cases": cases, "deleted": deleted}).encode())


def read_prepared(run_uri: str) -> tuple[list[int], list[int]]:
    """Return the cases and the removed cases of the run as they were prepared before; none where they were not.

    Raises:
        JobProtocolError: it is no list of this version.
    """
    uri = prepared_uri(run_uri)
    try:
        raw = json.loads(storage.read_bytes(uri))
        return raw["cases"], raw["deleted"]
    except InputError:
        return [], []
    except (ValueError, KeyError, TypeError) as error:
        msg = f"{uri} is not a list of this version: {error!r}. Start another run"
        raise JobProtocolError(msg) from error


def staged_before(run_uri: str, case_id: int, load_id: str) -> "Staged | None":
    """Return the manifest that an earlier attempt of this load left in the run's folder, None where there is none."""
    start = storage.join(run_uri, "cases", f"{case_id}.")
    for uri in storage.list_files(storage.join(run_uri, "cases")):
        if uri.startswith(start) and uri.endswith(".staged.json"):
            staged = read_staged(uri)
            if staged.manifest.load_id == load_id:
                return staged
    return None


def write_case(uri: str, document: CaseDocument) -> None:
    """Write a case document."""
    raw = dataclasses.asdict(dataclasses.replace(document, tables={}))
    raw["tables"] = {name: table.to_json() for name, table in document.tables.items()}
    storage.write_bytes(uri, json.dumps(raw, ensure_ascii=False).encode())


def read_case(uri: str) -> CaseDocument:
    """Read a case document.

    Raises:
        InputError: there is none.
        JobProtocolError: it is no case document of this version.
    """
    data = storage.read_bytes(uri)
    try:
        raw = json.loads(data)
        case = raw["case"]
        members = tuple(
            Member(**(member | {"sex": Sex(member["sex"]), "affected": Affected(member["affected"])}))
            for member in case["members"]
        )
        return CaseDocument(
            **(
                raw
                | {
                    "case": Case(**(case | {"members": members, "priority": Priority(case["priority"])})),
                    "info": InfoOptions.from_json(raw["info"]),
                    "tables": {name: TableRef.from_json(table) for name, table in raw["tables"].items()},
                }
            )
        )
    except (ValueError, KeyError, TypeError) as error:
        msg = f"{uri} is not a case document of this version: {error!r}. Run prepare-part again"
        raise JobProtocolError(msg) from error


def write_staged(uri: str, staged: Staged) -> None:
    """Write the manifest of a case's staged rows."""
    raw = {"manifest": staged.manifest.to_json(), "report": staged.report}
    storage.write_bytes(uri, json.dumps(raw, ensure_ascii=False).encode())


def read_staged(uri: str) -> Staged:
    """Read the manifest of a case's staged rows.

    Raises:
        InputError: there is none.
        JobProtocolError: it is no manifest of this version.
    """
    data = storage.read_bytes(uri)
    try:
        raw = json.loads(data)
        return Staged(Manifest.from_json(raw["manifest"]), raw["report"])
    except (ValueError, KeyError, TypeError) as error:
        msg = f"{uri} is not a manifest of this version: {error!r}. Import the case again"
        raise JobProtocolError(msg) from error
