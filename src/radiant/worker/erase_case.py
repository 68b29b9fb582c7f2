"""Erase a case for a withdrawn consent: from registry, tables, documents and logs, with a certificate at the end.

Every step may be interrupted and repeated: the registry states first that the case is being erased, so that no import
of it begins and no commit of it passes; the names that are searched for and the record of what was deleted are stored
below `<work URI>/erasures/case-<case>/` before anything is deleted. The names are deleted at the end.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING

from radiant import lake, storage
from radiant.errors import InputError
from radiant.jobs.codec import decode, encode
from radiant.registry import Registry
from radiant.settings import Settings
from radiant.worker.erasure_certificate import Certificate, certificate_text
from radiant.worker.erasure_documents import erase_documents
from radiant.worker.erasure_journal import ErasureJournal, ErasureRecord, timestamp
from radiant.worker.erasure_scan import scan
from radiant.worker.erasure_terms import SearchTerms

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog

log = logging.getLogger("radiant.worker.erase_case")

_NEVER_REACHED: tuple[str, ...] = (
    "The VCF and the pedigree file of the case, which radiant only reads. The command printed where they are.",
    (
        "Airflow's own database and log store: the logs of tasks, their results (XComs), the parameters of runs. "
        "They name "
        "the number of the case. Delete the runs that imported it in Airflow (`airflow db clean`, and the log folder)."
    ),
    (
        "Backups and copies: of the registry, the catalog, the tables and the work folder, replicas of the "
        "store, files "
        "that people or programs wrote from the tables."
    ),
    "import-history.json at the work URI keeps sizes and times of imports, without a number or a name.",
)

_KINDS = {"patient_id": "patient", "experiment_id": "experiment", "sample": "sample"}


@dataclass(frozen=True, slots=True)
class ErasureUris:
    """The files of one erasure."""

    names: str
    """The names that are searched for; deleted at the end."""
    record: str
    """What was deleted so far."""
    certificate: str
    text: str
    """The certificate for a person."""

    @classmethod
    def below(cls, folder: str) -> "ErasureUris":
        """Return them for the folder of an erasure."""
        names = ("names.json", "record.json", "certificate.json", "certificate.txt")
        return cls(*(storage.join(folder, name) for name in names))


@dataclass(frozen=True, slots=True)
class ErasedCase:
    """The result of an erasure."""

    certificate: Certificate
    uris: ErasureUris
    sources: tuple[str, ...]
    """The VCF and the pedigree, which radiant only reads."""


def erase_case(settings: Settings, case_id: int, reason: str) -> ErasedCase:
    """Erase a case, search for it, and write the certificate; repeat it until it returns.

    Raises:
        CaseNotFoundError: there is none of that number.
        CaseStateError: a run holds the case; nothing was erased.
        LakeError: a branch or a tag holds the case, or the catalog does not answer.
        CommitConflictError: an import of another case needs a snapshot with this one; repeat it later.
        StorageError: a store does not answer; repeat it.
    """
    registry = Registry(settings.effective_registry_url)
    erasure = registry.begin_erasure(case_id, reason)
    folder = storage.join(settings.effective_work_uri, "erasures", f"case-{case_id}")
    uris = ErasureUris.below(folder)
    if erasure.finished_at is not None and not storage.exists(uris.names) and storage.exists(uris.certificate):
        remedy = "Keep the certificate as it is"
        what = "a certificate of this version"
        done = decode(
            Certificate, storage.read_bytes(uris.certificate), where=uris.certificate, what=what, remedy=remedy
        )
        return ErasedCase(done, uris, ())
    begun_at = erasure.begun_at.isoformat(timespec="seconds")
    journal = ErasureJournal(uris.record, ErasureRecord(case_id, erasure.reason, begun_at))
    with lake.open_catalog(settings) as catalog:
        terms = _terms(registry, catalog, settings, case_id, uris.names)
        erased = lake.erase_rows(
            catalog,
            settings.lake.namespace,
            case_id,
            part=registry.get(case_id).part or 0,
            begun_at=erasure.begun_at,
            delete=journal.delete,
        )
        _add(journal, erased)
        roots = lake.table_roots(catalog, settings.lake.namespace)
    erase_documents(settings.effective_work_uri, terms, journal)
    rows = registry.finish_erasure(case_id)
    before = journal.record.registry_rows
    journal.change(registry_rows={name: count + before.get(name, 0) for name, count in rows.items()})
    gone = [*(one.uri for one in journal.record.objects), *(one.uri for one in journal.record.documents)]
    kept = storage.kept_versions([*gone, uris.names])
    versions = storage.delete_old_versions(gone, kept)
    registry_files = _registry_files(settings)
    certificate = Certificate(
        record=journal.record,
        finished_at=timestamp(),
        radiant_version=metadata.version("radiant"),
        versions=versions,
        scan=scan(
            [*roots, settings.effective_work_uri, *registry_files],
            terms,
            numbers_allowed_in=[folder, *registry_files],
            without=[uris.names],
        ),
        not_reached=_not_reached(settings, versions, roots),
    )
    storage.write_bytes(uris.certificate, encode(certificate))
    storage.write_bytes(uris.text, certificate_text(certificate).encode())
    if certificate.complete:
        storage.delete_files([uris.names])
        storage.delete_old_versions([uris.names], kept)
    return ErasedCase(certificate, uris, tuple(terms.names.get("file", ())))


def _terms(registry: Registry, catalog: "Catalog", settings: Settings, case_id: int, uri: str) -> SearchTerms:
    """Return what the case is searched by, as it was when the erasure began."""
    try:
        data = storage.read_bytes(uri)
    except InputError:
        pass
    else:
        return decode(SearchTerms, data, where=uri, what="the names of a case", remedy="Restore it from a backup")
    record = registry.get(case_id)
    names: dict[str, set[str]] = {kind: set() for kind in ("patient", "experiment", "sample", "family", "file")}
    for member in record.case.members:
        names["patient"].add(member.patient_id)
        names["experiment"].add(member.experiment_id)
        names["sample"].add(member.sample)
        names["family"].add(member.family_id)
    names["file"] |= {storage.canonical(file.uri) for file in record.files}
    for column, found in lake.names_of_rows(catalog, settings.lake.namespace, case_id).items():
        names[_KINDS[column]] |= found
    own = {kind: sorted(found - {""}) for kind, found in names.items()}
    others = registry.names_of_others(case_id)
    others |= lake.names_of_other_rows(
        catalog, settings.lake.namespace, case_id, {one for kind in own.values() for one in kind}
    )
    terms = SearchTerms(case_id, own).without(others)
    storage.write_bytes(uri, encode(terms))
    return terms


def _add(journal: ErasureJournal, erased: lake.ErasedRows) -> None:
    """Add what was done to the tables; a repetition finds little left to do, and keeps what the first found."""
    record = journal.record
    rewritten = {str(case): tables for case, tables in erased.rewritten.items()}
    journal.change(
        snapshots={name: count + record.snapshots.get(name, 0) for name, count in erased.snapshots.items()},
        same_files=max(record.same_files, erased.same_files),
        rewritten_cases=rewritten | record.rewritten_cases,
    )


def _registry_files(settings: Settings) -> list[str]:
    """Return the files of a registry on SQLite, none of one on a server."""
    url = settings.effective_registry_url
    if not url.startswith("sqlite"):
        return []
    path = url.partition(":///")[2].partition("?")[0]
    return [storage.to_uri(f"{path}{end}") for end in ("", "-wal")]


def _not_reached(settings: Settings, versions: storage.OldVersions, roots: Sequence[str]) -> tuple[str, ...]:
    texts: list[str] = [*_NEVER_REACHED]
    if any(storage.local_path(root) is None for root in roots):
        texts.append(
            "Parts of uploads that were never completed, as a worker leaves them that is killed while it writes a "
            "large file: they are no objects and no listing has them. The store's own rule removes them "
            "(AbortIncompleteMultipartUpload on S3)."
        )
    if settings.backend != "local":
        texts.append(
            "The platform's own logs: CloudWatch on ECS, the log collector of a Kubernetes cluster. They have "
            "the lines that "
            "the jobs printed, with the number of the case."
        )
    if not settings.effective_registry_url.startswith("sqlite"):
        texts.append(
            "The registry's server: deleted rows stay in its files until VACUUM, and in its write-ahead log and "
            "its archive."
        )
    if versions.versioned is None:
        texts.append("Older versions of objects, where the store keeps them: it did not say whether it does.")
    elif versions.versioned:
        texts.append(
            "Older versions of objects that maintenance or a failed import deleted before this erasure: they may hold "
            "rows of the case until the store's own rule removes noncurrent versions."
        )
    return tuple(texts)
