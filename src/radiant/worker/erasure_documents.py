"""Take a case out of the documents and logs below the work URI."""

import gzip
import json
import re
import zlib
from dataclasses import dataclass

from radiant import storage
from radiant.errors import InputError
from radiant.worker.erasure_journal import ErasureJournal, RewrittenDocument, digest_of, timestamp
from radiant.worker.erasure_terms import REPLACED, SearchTerms
from radiant.worker.run_documents import RunFolder, run_folders

Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None

_NUMBERS = frozenset({"cases", "deleted", "waiting", "imported"})
"""Keys whose lists hold case numbers."""


def erase_documents(work_uri: str, terms: SearchTerms, journal: ErasureJournal) -> None:
    """Delete the documents that are the case's own, and take the case out of those that name it beside others.

    Its own are its case documents and the folder of each task that imported it, with request, result and log. The
    report of a run with the case, a page with a row for each case, is deleted.

    Raises:
        StorageError: the store does not answer; repeat it.
    """
    for folder in run_folders(work_uri):
        own = _own_files(folder, terms.case_id)
        others = [file.uri for file in folder.files if file.uri not in own]
        pages = [uri for uri in others if uri.endswith(".html")]
        naming = [uri for uri in others if uri not in pages and _names_case(uri, terms)]
        if own or naming:
            journal.delete("reports of runs with it, which `radiant report` makes again", pages)
        journal.delete("documents and logs of its imports", own)
        for uri in naming:
            _rewrite(uri, terms, journal)


def _names_case(uri: str, terms: SearchTerms) -> bool:
    try:
        return rewritten(storage.read_bytes(uri), terms)[1] > 0
    except InputError:
        return False


def _own_files(folder: RunFolder, case_id: int) -> set[str]:
    run = folder.uri.rstrip("/")
    found = {
        file.uri
        for file in folder.files
        if re.search(rf"/cases/{case_id}\.(?:[^/]+\.)?json$", file.uri) or _lists_case(file.uri, case_id)
    }
    for file in folder.files:
        task, _, name = file.uri.rpartition("/")
        if name == "request.json" and _imports(file.uri, case_id):
            found |= {one.uri for one in folder.files if one.uri.startswith(f"{task}/")}
    return {uri for uri in found if run}


def _imports(uri: str, case_id: int) -> bool:
    request = _json(uri)
    arguments = request.get("arguments") if isinstance(request, dict) else None
    return isinstance(arguments, dict) and arguments.get("case_id") == case_id


def _lists_case(uri: str, case_id: int) -> bool:
    """Return whether this is the list of a run's cases, by position, with the case: a new run makes its own."""
    if not uri.endswith("/prepared.json"):
        return False
    listed = _json(uri)
    return isinstance(listed, dict) and any(
        case_id in numbers for key in ("cases", "deleted") if isinstance(numbers := listed.get(key), list)
    )


def _json(uri: str) -> Json:
    try:
        return json.loads(storage.read_bytes(uri))
    except (InputError, ValueError):
        return None


def _rewrite(uri: str, terms: SearchTerms, journal: ErasureJournal) -> None:
    try:
        before = storage.read_bytes(uri)
    except InputError:
        return
    after, removed = rewritten(before, terms)
    if not removed:
        return
    storage.write_bytes(uri, after)
    done = RewrittenDocument(uri, digest_of([before]), digest_of([after]), removed, timestamp())
    journal.change(documents=(*journal.record.documents, done))


def rewritten(data: bytes, terms: SearchTerms) -> tuple[bytes, int]:
    """Return a document or a log without a case, and how many values or lines were taken out.

    Of JSON: objects with its `case_id`, its number in lists of cases, and texts that name it, which become `(erased)`.
    Of any other text, compressed or not: each line that names it.
    """
    if data.startswith(b"\x1f\x8b"):
        try:
            text = gzip.decompress(data)
        except (EOFError, zlib.error, OSError):
            return data, 0
        kept, removed = _without_lines(text, terms)
        return (gzip.compress(kept, mtime=0), removed) if removed else (data, 0)
    try:
        value: Json = json.loads(data)
    except ValueError:
        return _without_lines(data, terms)
    cleaner = _Cleaner(terms)
    cleaned = cleaner.clean(value)
    if not cleaner.removed:
        return data, 0
    return json.dumps(cleaned, sort_keys=True, ensure_ascii=False, indent=1).encode(), cleaner.removed


def _without_lines(text: bytes, terms: SearchTerms) -> tuple[bytes, int]:
    names, number = terms.pattern(), terms.case_pattern()
    lines = text.splitlines(keepends=True)
    kept = [line for line in lines if not number.search(line) and not (names and names.search(line))]
    return b"".join(kept), len(lines) - len(kept)


@dataclass(slots=True)
class _Cleaner:
    """Takes a case out of a JSON value."""

    terms: SearchTerms
    removed: int = 0

    def clean(self, value: Json, key: str = "") -> Json:
        if isinstance(value, dict):
            return {name: self.clean(one, name) for name, one in value.items()}
        if isinstance(value, list):
            kept = [one for one in value if not self._is_the_case(one, key)]
            self.removed += len(value) - len(kept)
            return [self.clean(one, key) for one in kept]
        if isinstance(value, str) and self._names_it(value, key):
            self.removed += 1
            return REPLACED
        return value

    def _is_the_case(self, value: Json, key: str) -> bool:
        if isinstance(value, dict):
            return value.get("case_id") == self.terms.case_id or value.get("cases") == [self.terms.case_id]
        return key in _NUMBERS and value == self.terms.case_id and not isinstance(value, bool)

    def _names_it(self, text: str, key: str) -> bool:
        names, data = self.terms.pattern(), text.encode(errors="surrogatepass")
        if key in _NUMBERS and re.search(rf"(?<![\d-]){self.terms.case_id}(?![\d-])", text):
            return True
        return bool(self.terms.case_pattern().search(data) or (names and names.search(data)))
