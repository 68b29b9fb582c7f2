"""Lines of a job's log: their level, and the pieces of a very long one."""

import logging
import re
from collections.abc import Iterator

_LEVEL = re.compile(r"\S+ \S+ (WARNING|ERROR|CRITICAL) ")
"""The worker's lines begin with date, time and level."""


def level_of(line: str) -> int:
    """Return the level that the worker gave a line, INFO where it gave none."""
    found = _LEVEL.match(line)
    return logging.getLevelNamesMapping()[found[1]] if found else logging.INFO


def cut(text: bytes, most: int) -> Iterator[bytes]:
    """Yield UTF-8 text in pieces of at most `most` bytes, never within a character; one empty piece for no text.

    Args:
        text: any bytes; what is no UTF-8 is cut where it has to be.
        most: at least 4.
    """
    while len(text) > most:
        end = next((at for at in range(most, most - 4, -1) if text[at] & 0xC0 != 0x80), most)  # noqa: PLR2004 - UTF-8
        yield text[:end]
        text = text[end:]
    yield text
