"""A file of `varied.py` of which a tenth of the lines is odd: each in another way that real tools write.

`by tools` are lines of which an odd part goes through the rules by itself; `in text` are lines with names of diseases
that are not ASCII, or with ANNOVAR's keys once for each ALT; `by rules` are lines that the rules read whole.
"""

from collections.abc import Callable, Iterable, Iterator

HEADER = (
    '##INFO=<ID=CADD,Number=1,Type=Integer,Description="A score, wrongly declared">\n'
    '##INFO=<ID=NOTE,Number=.,Type=String,Description="Text">\n'
    '##INFO=<ID=ANNOVAR_DATE,Number=1,Type=String,Description="Of the annotation">\n'
    '##INFO=<ID=Func.refGene,Number=.,Type=String,Description="Function">\n'
    '##INFO=<ID=ALLELE,Number=.,Type=String,Description="The ALT that the keys before are about">\n'
    '##INFO=<ID=ALLELE_END,Number=0,Type=Flag,Description="After the keys of each ALT">\n'
)
_EVERY = 10
_REF, _ALT, _QUALITY, _INFO, _CHILD = 3, 4, 5, 7, 9

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


def _disease(columns: Columns) -> None:
    columns[_INFO] = f"NOTE=M\u00e9ni\u00e8re_disease|Sj\u00f6gren_syndrome;{columns[_INFO]}"


def _disease_of_entries(columns: Columns) -> None:
    """Add a text to the last field but one of each entry, CLIN_SIG."""
    before, _, entries = columns[_INFO].rpartition("CSQ=")
    changed = (entry.rpartition("|") for entry in entries.split(","))
    whole = ",".join(f"{first}M\u00e9ni\u00e8re_disease|{last}" for first, _, last in changed)
    columns[_INFO] = f"{before}CSQ={whole}"


def _keys_for_each_alt(columns: Columns) -> None:
    alts = columns[_ALT].split(",") * 2
    keys = ";".join(f"ANNOVAR_DATE=2020-06-08;Func.refGene=intronic;ALLELE={alt};ALLELE_END" for alt in alts[:2])
    columns[_INFO] = f"{keys};{columns[_INFO]}"


def _control_character(columns: Columns) -> None:
    columns[_INFO] = f"NOTE=a\x01;{columns[_INFO]}"


def _infinite_quality(columns: Columns) -> None:
    columns[_QUALITY] = "inf"


KINDS: dict[str, tuple[Callable[[Columns], None], ...]] = {
    "by tools": (
        _of_alt_that_was_split_away, _as_written, _torn, _decimal, _reads_of_another_line, _half_call, _symbolic,
        _lower_case,
    ),
    "in text": (_disease, _disease_of_entries, _keys_for_each_alt),
    "by rules": (_control_character, _infinite_quality),
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
