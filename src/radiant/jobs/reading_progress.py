"""How far an import is in its VCF: a line of its log, and `progress.json` in the folder of its attempt.

    case 105: progress contig=chr7 position=117559593 records=1234000 records_per_s=58200 percent=43.1 ...

The worker writes both while it reads. `parse_progress` is the only reader of the line; `radiant watch` reads the
document, which needs no log of Airflow.
"""

import math
import re
from dataclasses import dataclass, fields
from urllib.parse import quote, unquote

from radiant.errors import JobProtocolError
from radiant.jobs.codec import decode, from_json
from radiant.jobs.run_ids import folder_name

_LINE = re.compile(r"\bcase (\d+): progress((?: [a-z_]+=\S*)+)\s*$")
_NONE = "-"
_SAFE = "*:|._"
"""Characters of contig names that stand in a line as they are; `-` is not one of them: alone it is no contig."""
_WHOLE = 100.0


@dataclass(frozen=True, slots=True)
class ReadSoFar:
    """What of a file has been read."""

    records: int = 0
    """Data lines."""
    bytes_read: int = 0
    """Of the file as it is stored, those whose lines have been read."""
    total_bytes: int = 0
    """Size of the file; 0 while it is unknown."""
    locus: tuple[str, int] | None = None
    """Contig, as the file names it, and position of the last line on a primary chromosome."""


@dataclass(frozen=True, slots=True)
class ReadingProgress:
    """How far the import of one case is; numbers and a contig, no text of the file beside it."""

    case_id: int
    contig: str | None
    """Of the last line on a primary chromosome; None before the first one."""
    position: int | None
    """1-based."""
    records: int
    """Data lines read by all processes."""
    records_per_s: int
    """Since reading began."""
    percent: float
    """Of the file's bytes, 0 to 100."""
    memory_mib: int
    """In use now, by all processes of the job."""
    memory_limit_mib: int | None
    eta_s: int | None
    """Seconds until the file is read, if the rest goes as fast; None before anything is read."""
    processes: int
    """That read the file."""

    def to_line(self) -> str:
        """Return the line of the log; `parse_progress` is its inverse."""
        values = ((one.name, getattr(self, one.name)) for one in fields(self) if one.name != "case_id")
        return f"case {self.case_id}: progress {' '.join(f'{name}={_shown(value)}' for name, value in values)}"


@dataclass(frozen=True, slots=True)
class ProgressDocument:
    """`progress.json`: the latest progress of an attempt."""

    written_at: float
    """In seconds since the epoch."""
    reading: ReadingProgress


def reading_progress(  # noqa: PLR0913 - the facts of one moment
    so_far: ReadSoFar,
    *,
    case_id: int,
    elapsed_s: float,
    memory_mib: float,
    memory_limit_mib: int | None,
    processes: int,
) -> ReadingProgress:
    """Return the progress that follows from what has been read.

    Example: half of the bytes read in 10 s give 50 percent and 10 s left.

    Args:
        so_far: What has been read.
        case_id: Of the case.
        elapsed_s: Since reading began.
        memory_mib: In use.
        memory_limit_mib: Of the attempt, None where there is none.
        processes: That read the file.
    """
    share = min(so_far.bytes_read / so_far.total_bytes, 1.0) if so_far.total_bytes else 0.0
    contig, position = so_far.locus or (None, None)
    return ReadingProgress(
        case_id=case_id,
        contig=contig,
        position=position,
        records=so_far.records,
        records_per_s=round(so_far.records / elapsed_s) if elapsed_s > 0 else 0,
        # 100.0 is shown only when all is read.
        percent=_WHOLE if share == 1 else math.floor(share * 1000) / 10,
        memory_mib=round(memory_mib),
        memory_limit_mib=memory_limit_mib,
        eta_s=round(elapsed_s * (1 - share) / share) if share else None,
        processes=processes,
    )


def parse_progress(line: str) -> ReadingProgress | None:
    """Return the progress that a line of a job's log holds, None for any other line.

    What stands before it (time and level, Airflow's own columns) does not matter; neither does a key of a later
    release.
    """
    found = _LINE.search(line)
    if found is None:
        return None
    given = dict(pair.split("=", 1) for pair in found[2].split())
    values = {name: _read(name, text) for name, text in given.items()} | {"case_id": int(found[1])}
    try:
        return from_json(ReadingProgress, values, where=line, what="a line of progress", remedy="")
    except JobProtocolError:
        return None


def progress_uri(task_uri: str, attempt: str) -> str:
    """Return where an attempt's worker stores its latest progress, below `radiant.jobs.documents.task_uri`."""
    return f"{task_uri}/{folder_name(attempt)}/progress.json"


def decode_progress(data: bytes, where: str) -> ProgressDocument:
    """Read `progress.json`.

    Raises:
        JobProtocolError: it is none of this version; `where` is in the message.
    """
    remedy = "Run the same radiant version here and in the image"
    return decode(ProgressDocument, data, where=where, what="a document of an import's progress", remedy=remedy)


def _shown(value: str | float | None) -> str:
    if value is None:
        return _NONE
    return quote(value, safe=_SAFE).replace("-", "%2D") if isinstance(value, str) else str(value)


def _read(name: str, text: str) -> str | float | None:
    """Return a value of a line; a text that is no number stays one, which the type then refuses."""
    if text == _NONE:
        return None
    if name == "contig":
        return unquote(text)
    try:
        return int(text)
    except ValueError:
        pass
    try:
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) else text
