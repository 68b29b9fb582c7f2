"""A file of `varied.py` of which a tenth of the lines is odd: each in another way that real tools write.

`by tools` are lines of which an odd part goes through the rules by itself; `by rules` are lines that the rules read
whole.
"""

from collections.abc import Callable, Iterable, Iterator

HEADER = (
    '##INFO=<ID=CADD,Number=1,Type=Integer,Description="A score, wrongly declared">\n'
    '##INFO=<ID=NOTE,Number=.,Type=String,Description="Text">\n'
)
_EVERY = 10
_REF, _ALT, _INFO, _CHILD = 3, 4, 7, 9

Columns = list[str]


def _of_alt_that_was_split_away(columns: Columns) -> None:
    """Add an entry about an ALT that the line does not have."""
    last = columns[_INFO].rpartition("CSQ=")[2].rpartition(",")[2]
    columns[_INFO] += ",TTTTTTT" + last[last.index("|") :]


def _as_written(columns: Columns) -> None:
    """Name ALT in full where VEP drops its first base."""
    ref, alt = columns[_REF], columns[_ALT]
    if "," not in alt and len(ref) != len(alt):
        before, _, entries = columns[_INFO].rpartition("CSQ=")
        whole = ",".join(alt + entry[entry.index("|") :] for entry in entries.split(","))
        columns[_INFO] = f"{before}CSQ={whole}"
    else:
        _of_alt_that_was_split_away(columns)


def _torn(columns: Columns) -> None:
    """Put a comma into the last field of an entry."""
    columns[_INFO] += ",x"


def _decimal(columns: Columns) -> None:
    columns[_INFO] = f"CADD=1.5;{columns[_INFO]}"


def _reads_of_another_line(columns: Columns) -> None:
    call = columns[_CHILD].split(":")
    at = 1 if call[1].count(",") else 2
    call[at] += ",1"
    columns[_CHILD] = ":".join(call)


def _half_call(columns: Columns) -> None:
    columns[_CHILD] = "./1" + columns[_CHILD][3:]


def _symbolic(columns: Columns) -> None:
    columns[_ALT] = "<DEL>"


def _lower_case(columns: Columns) -> None:
    columns[_REF], columns[_ALT] = columns[_REF].lower(), columns[_ALT].lower()


def _not_ascii(columns: Columns) -> None:
    columns[_INFO] = f"NOTE=caf\u00e9;{columns[_INFO]}"


def _key_twice(columns: Columns) -> None:
    columns[_INFO] = f"CADD=1;CADD=1;{columns[_INFO]}"


KINDS: dict[str, tuple[Callable[[Columns], None], ...]] = {
    "by tools": (
        _of_alt_that_was_split_away, _as_written, _torn, _decimal, _reads_of_another_line, _half_call, _symbolic,
        _lower_case,
    ),
    "by rules": (_not_ascii, _key_twice),
}  # fmt: skip


def odd(rows: Iterable[str], kind: str) -> Iterator[str]:
    """Yield lines, every tenth of them made odd in one way of the kind after the other."""
    ways = KINDS[kind]
    for at, row in enumerate(rows):
        if at % _EVERY:
            yield row
            continue
        columns = row.rstrip("\n").split("\t")
        ways[at // _EVERY % len(ways)](columns)
        yield "\t".join(columns) + "\n"
