"""What a person should know about a file that was read: the warnings of the import report."""

from collections.abc import Iterator, Mapping, Sequence

from radiant.vcf.header import Header
from radiant.vcf.line import LineReader
from radiant.vcf.report import Counts
from radiant.vcf.source import Source

_NAMED = 20
"""How many names a warning lists."""


def remarks(source: Source, header: Header, reader: LineReader, counts: Counts, members: int) -> Iterator[str]:
    """Yield the warnings about one file; none names a sample.

    Args:
        source: The file, read to its end.
        header: Its header.
        reader: What read its lines.
        counts: What became of them.
        members: How many members the case has.
    """
    yield from header.warnings
    yield from _about_file(source)
    yield from _about_lines(counts)
    unread = len(header.samples) - members
    if unread:
        yield f"{unread} samples of the file are not members of the case; they were not read"
    yield from _about_declarations(reader)


def _about_file(source: Source) -> Iterator[str]:
    if source.had_bom:
        yield "the file starts with a byte order mark, which VCF forbids; it was ignored"
    if source.had_crlf:
        yield "the file has Windows line ends (CRLF); they were read as line ends"
    if source.ended_with_empty_lines:
        yield "the file ends with empty lines; they are no records and were ignored"
    if source.ended_without_break:
        yield "the last line does not end with a line break; the compression proves that the file is whole"


def _about_lines(counts: Counts) -> Iterator[str]:
    if not counts.total.read:
        yield "the file has no records: the case has no rows"
    if counts.total.rejected:
        yield f"{counts.total.rejected} lines were rejected and are not imported: {listed(counts.rejected)}"
    if counts.rejected["header"]:
        yield f"{counts.rejected['header']} header lines were rejected; what they declare counts as not declared"
    if counts.pieces:
        yield f"pieces of kept lines were left out: {listed(counts.pieces)}"
    if counts.other_contigs:
        yield f"lines on contigs outside the primary set were skipped: {listed(counts.other_contigs)}"
    if counts.skipped["telomere"]:
        yield f"{counts.skipped['telomere']} lines at POS 0, the telomere, were skipped"


def _about_declarations(reader: LineReader) -> Iterator[str]:
    for kind, names in (
        ("INFO keys", sorted(reader.undeclared_info)),
        ("FORMAT keys", sorted(reader.undeclared_formats)),
        ("FILTER names", sorted(reader.undeclared_filters)),
    ):
        if names:
            yield f"{kind} that the header does not declare: {', '.join(names[:_NAMED])}{_more(names)}"
    lost = [tag for tag in ("CSQ", "ANN", "vep") if tag in reader.undeclared_info]
    if reader.consequence_format is None and lost:
        yield f"records have {', '.join(lost)}, but the header does not say its fields: no consequences were read"


def listed(counts: Mapping[str, int]) -> str:
    """Return names with their counts, the most frequent first."""
    common = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{name} {count}" for name, count in common[:_NAMED]) + _more(common)


def _more(names: Sequence[object]) -> str:
    return f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
