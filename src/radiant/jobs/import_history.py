"""What the last imports took, one document below the work URI: written by `commit-part`, read where requests are made.

It is bounded, so reading it costs one request however long the history is. Of two commits that write at the same time
one may lose its lines; nothing depends on a single line.
"""

from dataclasses import dataclass

from radiant.costs.sizing import Observation
from radiant.jobs.codec import decode, encode

MOST = 500
"""Imports that are kept, the latest."""


@dataclass(frozen=True, slots=True)
class ImportHistory:
    """The last imports that succeeded, in the order of their commits."""

    imports: tuple[Observation, ...] = ()

    def with_more(self, imports: tuple[Observation, ...]) -> "ImportHistory":
        """Return the history with further imports, without the oldest ones above `MOST`."""
        return ImportHistory((*self.imports, *imports)[-MOST:])


def history_uri(work_uri: str) -> str:
    """Return where the history is."""
    return f"{work_uri.rstrip('/')}/import-history.json"


def work_uri_of(run_uri: str) -> str:
    """Return the work URI that a run's folder is below, see `radiant.jobs.documents.run_uri`."""
    return run_uri.rsplit("/", 2)[0]


def encode_history(history: ImportHistory) -> bytes:
    """Return the document."""
    return encode(history)


def decode_history(data: bytes, where: str) -> ImportHistory:
    """Read the document.

    Raises:
        JobProtocolError: it is no history of this version.
    """
    remedy = "Remove it: the next commits write another"
    return decode(ImportHistory, data, where=where, what="a history of imports of this version", remedy=remedy)
