"""Run ids of runs that other runs start, and the form of a run id in a path, a label or a tag.

Airflow takes run ids of up to 250 characters, of any script where `[scheduler] allowed_run_id_pattern` allows it. A
folder's name holds 255 bytes, a label 63 characters, a tag 256, so what does not fit is shortened to a readable head
and a digest of the whole id: two ids never share a folder or a label.
"""

import hashlib
import re
from collections.abc import Sequence
from urllib.parse import quote

_LONGEST_FOLDER = 255
"""Bytes of one name, on ext4, XFS and APFS."""
_LONGEST_CHILD = 200
"""Characters; the column of Airflow's database holds 250."""
_HEAD = 80
_DIGEST = 16
_PART_DIGEST = 6
_CHILD = re.compile(rf"(?:block_\d+__)?part_\d+__(.+)__[0-9a-f]{{{_PART_DIGEST}}}", re.DOTALL)
_UNSAFE = re.compile(r"[^A-Za-z0-9_.~:+-]+")
"""Characters that Airflow's default pattern of run ids does not allow."""


def folder_name(name: str) -> str:
    """Return the name as one folder below a URI: percent-encoded, or, where that is too long, a head and a digest.

    `manual__2026-01-01T00:00:00+00:00` becomes `manual__2026-01-01T00%3A00%3A00%2B00%3A00`.
    """
    encoded = quote(name, safe="")
    if len(encoded) <= _LONGEST_FOLDER and encoded.strip("."):
        return encoded
    head = re.sub(r"[^A-Za-z0-9_-]+", "_", name)[:_HEAD]
    return f"{head}.{_digest(name, 2 * _DIGEST)}"


def short_name(text: str, longest: int, unsafe: re.Pattern[str] = _UNSAFE) -> str:
    """Return the text where it fits and is safe, else a head and a digest of it, together of `longest` characters.

    Args:
        text: A run id, or another name.
        longest: Characters; at least 24.
        unsafe: Replaced by `_`.
    """
    safe = unsafe.sub("_", text)
    if safe == text and len(text) <= longest:
        return text
    return f"{safe[: longest - _DIGEST - 2]}__{_digest(text, _DIGEST)}"


def part_run_id(run_id: str, part: int, cases: Sequence[int]) -> str:
    """Return the id of the run of `import-part` that a run of `import-radiant` starts for these cases of one part.

    The part comes first, so that a narrow column of the UI shows it, and the run id of the parent has the time. The
    same part with other cases, as when a person clears `plan`, is another run: the params of a run never change.
    """
    digest = _digest(",".join(map(str, sorted(cases))), _PART_DIGEST)
    return short_name(f"part_{part}__{run_id}__{digest}", _LONGEST_CHILD)


def block_run_id(run_id: str, block: int) -> str:
    """Return the id of the run of `import-vcf` for the n-th block of a run of `import-part`, from 1."""
    return short_name(run_id if block == 1 else f"block_{block}__{run_id}", _LONGEST_CHILD)


def first_run_id(run_id: str) -> str | None:
    """Return the id of the run of `import-radiant` that started a run of `import-part` or `import-vcf`.

    None for a run that a person started, and where the id was shortened.

    Example: `first_run_id("block_2__part_7__manual__2026-11-29__8d0f3a")` is `manual__2026-11-29`.
    """
    found = _CHILD.fullmatch(run_id)
    return None if found is None else found[1]


def _digest(text: str, digits: int) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:digits]
