"""What a file may hold at most: a damaged or hostile file is refused before it fills memory or time.

No limit is near what callers and annotators write. Those on numbers of entries are below the 65,535 that BCF can count.
"""

MAX_LINE_BYTES = 16 << 20
"""Of one line; a longer one is no VCF record but a file without line breaks."""
MAX_EMPTY_LINES = 10_000
"""One after the other."""
MAX_ENTRIES = 10_000
"""Ids, ALTs, filters, INFO entries or FORMAT keys of one line."""
MAX_HEADER_BYTES = 32 << 20
MAX_HEADER_LINES = 65_536
MAX_META_BYTES = 1 << 20
"""Of one meta-information line (`##...`)."""
MAX_SAMPLES_ALONE = 1000
"""Samples of a file whose case has no pedigree: each of them becomes a member."""

MAX_INFLATION = 400
"""Bytes of text for each compressed byte. DEFLATE ends at 1,032; a VCF of a family has 5 to 50."""
INFLATION_FROM = 256 << 20
"""Bytes of text from which that holds."""

_LISTS = (
    (2, b";", "ids"),
    (4, b",", "ALTs"),
    (6, b";", "filters"),
    (7, b";", "INFO entries"),
    (8, b":", "FORMAT keys"),
)
"""Columns that are lists: index, what separates their entries, name."""
_LISTED_COLUMNS = 9


def inflates_too_much(text: int, compressed: int) -> bool:
    """Return whether compressed bytes hold more bytes of text than those of any VCF do."""
    return text > INFLATION_FROM and text > MAX_INFLATION * compressed


def crowded(line: bytes) -> str | None:
    """Return the name of a list in a data line that has too many entries, None where none has.

    Example: a line with 10,001 filters gives `filters`.
    """
    if len(line) <= MAX_ENTRIES:
        return None
    columns = line.split(b"\t", _LISTED_COLUMNS)
    lists = ((columns[index].count(separator), name) for index, separator, name in _LISTS if index < len(columns))
    return next((name for count, name in lists if count >= MAX_ENTRIES), None)
