"""The certificate of an erasure: what was where, when it went, and a search afterwards that finds nothing."""

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from radiant import storage
from radiant.worker.erasure_journal import DeletedObject, ErasureRecord
from radiant.worker.erasure_scan import ScanReport

_WIDTH = 100


@dataclass(frozen=True, slots=True)
class Certificate:
    """All that is known about an erasure; holds no patient, experiment or sample."""

    record: ErasureRecord
    finished_at: str
    """ISO 8601, UTC."""
    radiant_version: str
    versions: storage.OldVersions
    scan: ScanReport
    not_reached: tuple[str, ...]
    """What radiant cannot delete, one sentence or more each."""

    @property
    def complete(self) -> bool:
        """Whether all was searched, nothing of the case found, and no older version of an object known to be left."""
        return not self.scan.hits and not self.scan.damaged and not self.versions.kept


def certificate_text(certificate: Certificate, *, with_files: bool = True) -> str:
    """Return the certificate as a page for a person, with or without the list of each file."""
    lines = [*_lines(certificate), *(_files(certificate.record) if with_files else ())]
    text = "\n".join(line.rstrip() for line in lines)
    return re.sub(r"\n{3,}", "\n\n", text) + "\n"


def _lines(one: Certificate) -> Iterator[str]:
    record, found = one.record, one.scan
    title = "CERTIFICATE OF ERASURE" if one.complete else "ERASURE IS NOT COMPLETE"
    yield from (title, "=" * len(title), "")
    yield from _table(
        (
            ("Case", f"{record.case_id} (the number stays, and is never given to another case)"),
            ("Reason", record.reason),
            ("Begun", record.begun_at),
            ("Finished", one.finished_at),
            ("Software", f"radiant {one.radiant_version}"),
        )
    )
    yield from ("", "1. What was deleted", "")
    yield from _table(_kinds(record.objects))
    snapshots = sum(record.snapshots.values())
    yield from _paragraph(
        f"{snapshots} earlier states (snapshots) of the tables in which the case could be read were removed, so "
        "that no reader "
        "can go back to them. Files that held rows of several cases were written again without this case. The "
        "list at the "
        "end has each file with its size, its digest (SHA-256) and the time."
    )
    yield from _paragraph(
        f"{len(record.documents)} documents and logs of several cases were written again without "
        f"{sum(document.removed for document in record.documents)} lines or values about this case. From the list "
        "of cases "
        f"(the registry) {sum(record.registry_rows.values())} rows were deleted: "
        + ", ".join(f"{count} of {name}" for name, count in sorted(record.registry_rows.items()) if count)
        + ". What stays there is the number of the case, this reason and the times above."
    )
    yield from _paragraph(_versions(one.versions))
    yield from ("2. Other cases", "")
    yield from _paragraph(_others(record))
    yield from ("3. The search afterwards", "")
    yield from _paragraph(
        f"Every file that is left was searched: {found.files} files, {found.bytes:,} bytes, among them "
        f"{found.parquet_files} table files with {found.rows:,} rows, which were read by another program than the "
        "one that "
        f"writes them. The search was for {_terms(found)}, in each row, in the names of files and in their bytes, "
        "after "
        f"decompression. It took {found.seconds} seconds."
    )
    if found.hits:
        yield f"FOUND in {len({hit.uri for hit in found.hits})} files:"
        yield from (f"  {hit.found} ({hit.place}): {hit.uri}" for hit in found.hits)
        yield from ("", "Repeat the command; what is still found then has to be deleted by hand.", "")
    else:
        yield from ("Nothing of the case was found.", "")
    if found.damaged:
        yield from _paragraph(
            "These files are cut off or damaged, as a full disk or a kill leaves them. Their bytes were searched, and "
            "of tables and their manifests what could be read; the rest of them could not. Delete them if nothing "
            "needs them (radiant maintain deletes those that no table names), and repeat the command:"
        )
        yield from (*(f"  {uri}" for uri in found.damaged), "")
    if found.shared:
        names = ", ".join(f"{count} of a {kind}" for kind, count in found.shared.items())
        yield from _paragraph(
            f"Names that another case has, too, were not searched for, since they stay there: {names}."
        )
    if found.short:
        yield from _paragraph(
            f"{found.short} names of fewer than four characters were searched for in the rows alone: in other "
            "text such a "
            "name is found everywhere."
        )
    yield from ("4. What radiant cannot reach, and has to be done elsewhere", "")
    for text in one.not_reached:
        yield from textwrap.wrap(text, _WIDTH, initial_indent="- ", subsequent_indent="  ")


def _files(record: ErasureRecord) -> Iterator[str]:
    yield from ("", "Each deleted file", "-----------------", "")
    for deleted in record.objects:
        yield f"{deleted.uri}"
        yield f"    {deleted.what}; {deleted.bytes:,} bytes; deleted {deleted.deleted_at}"
        yield f"    SHA-256 {deleted.sha256}"
    if record.documents:
        yield from ("", "Each document that was written again", "------------------------------------", "")
    for document in record.documents:
        yield f"{document.uri}"
        yield f"    {document.removed} lines or values taken out {document.rewritten_at}"
        yield f"    SHA-256 before {document.sha256_before}"
        yield f"    SHA-256 after  {document.sha256_after}"


def _kinds(objects: tuple[DeletedObject, ...]) -> Iterator[tuple[str, str]]:
    for what in dict.fromkeys(one.what for one in objects):
        same = [one for one in objects if one.what == what]
        yield what, f"{len(same)} file{'' if len(same) == 1 else 's'}, {sum(one.bytes for one in same):,} bytes"
    yield "together", f"{len(objects)} files, {sum(one.bytes for one in objects):,} bytes"


def _others(record: ErasureRecord) -> str:
    text = f"Other cases whose rows are in the same, unchanged files as before: {record.same_files}."
    if record.rewritten_cases:
        differ = [
            case
            for case, tables in record.rewritten_cases.items()
            if any(before != after for before, after in tables.values())
        ]
        text += (
            f" Cases that shared a file with this one: {len(record.rewritten_cases)}; the digests of their rows "
            "before and after "
            + (f"differ for the cases {', '.join(differ)}: report this." if differ else "are equal.")
        )
    return text


def _terms(found: ScanReport) -> str:
    named = [f"{count} {kind}{'' if count == 1 else 's'}" for kind, count in found.terms.items() if kind != "case"]
    return ", ".join(["the number of the case", *named])


def _versions(versions: storage.OldVersions) -> str:
    if versions.kept:
        return (
            f"The store keeps older versions of objects, and {versions.kept} of them could not be deleted: give the "
            "command the right to list and delete object versions, then repeat it."
        )
    if versions.versioned:
        return (
            f"The store keeps older versions of objects; {versions.deleted} versions of the files below were deleted."
        )
    if versions.versioned is None:
        return "It is unknown whether the store keeps older versions of objects: see section 4."
    return "The store keeps no older versions of files."


def _table(rows: Iterator[tuple[str, str]] | tuple[tuple[str, str], ...]) -> Iterator[str]:
    kept = list(rows)
    width = max((len(name) for name, _ in kept), default=0)
    for name, value in kept:
        yield from textwrap.wrap(
            value, _WIDTH, initial_indent=f"  {name.ljust(width)}  ", subsequent_indent=" " * (width + 4)
        ) or [f"  {name}"]


def _paragraph(text: str) -> Iterator[str]:
    yield ""
    yield from textwrap.wrap(text, _WIDTH)
    yield ""
