"""The level of a line of a job's log."""

import logging
import re

_LEVEL = re.compile(r"\S+ \S+ (WARNING|ERROR|CRITICAL) ")
"""The worker's lines begin with date, time and level."""


def level_of(line: str) -> int:
    """Return the level that the worker gave a line, INFO where it gave none."""
    found = _LEVEL.match(line)
    return logging.getLevelNamesMapping()[found[1]] if found else logging.INFO
