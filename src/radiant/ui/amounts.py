"""Numbers and times as the pages show them."""

import datetime as dt

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_KIB = 1024
_FROM_WHOLE = 1000


def duration(seconds: float | None) -> str:
    """Return a duration: 0.8 s, 42 s, 3 min 05 s, 2 h 07 min, 3 d 4 h; a dash for None."""
    if seconds is None:
        return "-"
    if seconds < 10:  # noqa: PLR2004 - one digit after the point is enough from there on
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE:02d} s"
    if whole < _DAY:
        return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE:02d} min"
    return f"{whole // _DAY} d {whole % _DAY // _HOUR} h"


def ago(at: dt.datetime | None, now: dt.datetime) -> str:
    """Return how long ago a time was, in its largest unit: 40 s ago, 3 min ago, 2 h ago, 5 days ago."""
    if at is None:
        return "-"
    seconds = max(0, round((now - at).total_seconds()))
    if seconds < _MINUTE:
        return f"{seconds} s ago"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE} min ago"
    if seconds < 2 * _DAY:
        return f"{seconds // _HOUR} h ago"
    return f"{seconds // _DAY} days ago"


def moment(seconds: float | None) -> dt.datetime | None:
    """Return a time that is stored as seconds since the epoch."""
    return None if seconds is None else dt.datetime.fromtimestamp(seconds, dt.UTC)


def utc(at: dt.datetime | None) -> str:
    """Return a time of UTC to the minute."""
    return "-" if at is None else f"{at.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"


def size(count: float | None) -> str:
    """Return a number of bytes: 512 B, 3.4 MiB, 1.2 GiB."""
    if count is None:
        return "-"
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < _KIB or unit == "GiB":
            break
        count /= _KIB
    return f"{count:,.0f} {unit}" if unit == "B" or count >= 100 else f"{count:,.1f} {unit}"  # noqa: PLR2004


def mib(count: float | None) -> str:
    """Return a number of MiB: 512 MiB, 1.5 GiB."""
    return "-" if count is None else size(count * _KIB**2)


def count(number: float | None) -> str:
    """Return a whole number with its thousands separated."""
    return "-" if number is None else f"{number:,.0f}"


def percent(part: float | None) -> str:
    """Return a part of 1 in percent."""
    return "-" if part is None else f"{part:.0%}"
