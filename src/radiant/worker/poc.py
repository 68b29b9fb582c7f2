"""The job `poc`: shows that a job's log and its output reach the Airflow UI."""

import logging
import time

from radiant.errors import InputError
from radiant.jobs.contracts import PocArguments, arguments_of
from radiant.jobs.documents import Request
from radiant.settings import Settings
from radiant.worker.handler import HandlerResult
from radiant.worker.usage import UsageMeter

log = logging.getLogger("radiant.worker.poc")

LINES = 10


def handle(request: Request, settings: Settings, _meter: UsageMeter) -> HandlerResult:
    """Log ten progress lines and return the list of the first ten squares.

    Raises:
        InputError: `pause_s` is not a number from 0 to 60.
    """
    del settings
    pause_s = arguments_of(request, PocArguments).pause_s
    if not isinstance(pause_s, int | float) or not 0 <= pause_s <= 60:  # noqa: PLR2004 - said in the message
        msg = f"pause_s is {pause_s!r}; it must be a number of seconds from 0 to 60"
        raise InputError(msg)
    squares: list[int] = []
    for step in range(1, LINES + 1):
        squares.append(step * step)
        log.info("progress %d/%d: %d squared is %d", step, LINES, step, step * step)
        time.sleep(pause_s)
    return HandlerResult(output=squares)
