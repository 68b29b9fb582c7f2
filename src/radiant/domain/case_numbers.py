"""Case numbers as a person types them: `105`, `105, 106`, `[105]`, `100-120`."""

import re
from typing import Any

from radiant.domain.case import LAST_CASE
from radiant.errors import InputError

_NUMBER = r"0*[1-9][0-9]*(\s*-\s*0*[1-9][0-9]*)?"
CASES_PATTERN = rf"^\s*(\[\s*)?({_NUMBER}([\s,;]+{_NUMBER})*)?[\s,;]*(\]\s*)?$"
"""What `read_case_numbers` takes as text, as a JSON schema's `pattern`: forms refuse everything else at once.

No text can be read in two ways, so that a long one is judged at once.
"""
MOST_NUMBERS = 100_000
"""In one request."""

_RANGE = re.compile(r"([0-9]+)(?:\s*-\s*([0-9]+))?")


def read_case_numbers(value: Any) -> list[int] | None:
    """Return the case numbers, each once, in the order given; None where none is given.

    `105`, `"105"`, `"105, 106"`, `"105 106"`, `"[105]"`, `[105, "106"]` and the range `"100-120"` (both ends included)
    are understood. None, an empty text and an empty list mean no number.

    Raises:
        InputError: anything else, a number that is not from 1 to 2**63 - 1, a range that runs backwards, or more than
            `MOST_NUMBERS`.
    """
    found: dict[int, None] = {}
    for text in _texts(value):
        if not re.fullmatch(CASES_PATTERN, text, re.ASCII):
            raise _refused(value)
        for match in _RANGE.finditer(text):
            first, last = int(match[1]), int(match[2] or match[1])
            if last < first or last > LAST_CASE or last - first >= MOST_NUMBERS:
                raise _refused(value)
            found |= dict.fromkeys(range(first, last + 1))
            if len(found) > MOST_NUMBERS:
                raise _refused(value)
    return list(found) or None


def _texts(value: Any) -> list[str]:
    if value is None:
        return []
    if isinstance(value, list | tuple):
        items: list[Any] = list(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        if all(isinstance(item, int | str) and not isinstance(item, bool) for item in items):
            return [str(item) for item in items]
    elif isinstance(value, int | str) and not isinstance(value, bool):
        return [str(value)]
    raise _refused(value)


def _refused(value: Any) -> InputError:
    msg = (
        f"cases is {str(value)[:200]!r}: write case numbers, whole numbers from 1, like 105 or 105, 106 or 100-120 "
        f"(at most {MOST_NUMBERS}), or leave it empty"
    )
    return InputError(msg)
