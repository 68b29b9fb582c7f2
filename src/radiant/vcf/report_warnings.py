"""The warnings of the import report: what a person should check before trusting the rows.

A warning holds counts, words of this program, words of the header, and names that follow the specification's pattern
for names. No other text of the file's records: it could be anything, and warnings are logged.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from radiant.domain.entry_columns import FREQUENCY_COLUMNS
from radiant.vcf.findings import Undeclared
from radiant.vcf.plan import ReadPlan
from radiant.vcf.rules import info
from radiant.vcf.rules.csq_fields import ConsequenceFormat
from radiant.vcf.text.source import Source
from radiant.vcf.totals import Counts, ReadTotals

_NAMED = 20
"""How many names a warning lists."""


def remarks(source: Source, plan: ReadPlan, totals: ReadTotals) -> Iterator[str]:
    """Yield the warnings about one file; none names a sample.

    Args:
        source: The file, read to its end.
        plan: What was decided before its first record.
        totals: Of the whole file.
    """
    yield from plan.header.warnings
    yield from _about_file(source)
    yield from _about_lines(totals.counts)
    unread = len(plan.header.samples) - len(plan.people)
    if unread:
        yield f"{unread} samples of the file are not members of the case; they were not read"
    yield from _about_declarations(totals.undeclared)
    yield from _about_annotation(plan.consequence_format, totals.counts)
    yield from _about_frequencies(plan, totals.counts)


def _about_frequencies(plan: ReadPlan, counts: Counts) -> Iterator[str]:
    if counts.frequencies or not counts.alleles["carried"]:
        return
    sources = [source for column in FREQUENCY_COLUMNS for source in plan.sources_of(column)]
    why = (
        f"{', '.join(sources[:_NAMED])}{_more(sources)} have no value"
        if sources
        else "the header declares no CSQ field or INFO key of a known name"
    )
    yield (
        f"no allele has a population frequency ({', '.join(FREQUENCY_COLUMNS)} are null): {why}. A filter by frequency "
        "finds every variant or none. Annotate with frequencies (VEP: --max_af --af_gnomade --af_gnomadg), or name the "
        "file's keys in RADIANT_VCF__GNOMADE_AF_NAMES, RADIANT_VCF__GNOMADG_AF_NAMES or RADIANT_VCF__MAX_AF_NAMES"
    )


def _about_file(source: Source) -> Iterator[str]:
    if source.is_bcf and not source.proven_complete:
        yield (
            "the BCF is not compressed, so nothing proves that it is whole; bcftools view -Ob writes an end-of-file "
            "block that does"
        )
    if source.marks.had_bom:
        yield "the file starts with a byte order mark, which VCF forbids; it was ignored"
    if source.marks.had_crlf:
        yield "the file has Windows line ends (CRLF); they were read as line ends"
    if source.marks.ended_with_empty_lines:
        yield "the file ends with empty lines; they are no records and were ignored"
    if source.marks.ended_without_break:
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
    if counts.structural:
        yield f"structural variants are not imported; their alleles were skipped: {listed(counts.structural)}"
    if counts.skipped["telomere"]:
        yield f"{counts.skipped['telomere']} lines at POS 0, the telomere, were skipped"


def _about_declarations(undeclared: Undeclared) -> Iterator[str]:
    for kind, found in (
        ("INFO keys", undeclared.info),
        ("FORMAT keys", undeclared.formats),
        ("FILTER names", undeclared.filters),
    ):
        if found:
            yield f"{kind} that the header does not declare: {_named(found, kind)}"


_FILTER = re.compile(r"[0-9A-Za-z_<>=][0-9A-Za-z_.<>=+-]{0,59}", re.ASCII).fullmatch


def _named(found: Collection[str], kind: str) -> str:
    """Return the names that follow the specification's pattern, and how many others there are."""
    fits = _FILTER if kind == "FILTER names" else info.follows_specification
    names = sorted(name for name in found if fits(name))
    odd = len(found) - len(names)
    words = ", ".join(names[:_NAMED]) + _more(names)
    if odd:
        words += f"{' and ' if names else ''}{odd} whose names the specification does not allow, which are not shown"
    return words


_READABLE = "VEP (CSQ), SnpEff 4.1 or later (ANN), or bcftools csq (BCSQ)"


def _about_annotation(format_: ConsequenceFormat | None, counts: Counts) -> Iterator[str]:
    found = counts.annotations
    tag = None if format_ is None else format_.tag
    others = sorted(name for name in found if name != tag)
    readable = [name for name in others if info.unread_annotator(name) is None]
    foreign = [f"{name} ({info.unread_annotator(name)})" for name in others if name not in readable]
    if format_ is not None and (found[format_.tag] or not others):
        if others:
            yield (
                f"consequences were read from {tag} ({format_.annotator.value}) alone, one annotator per case; also "
                f"there, and not read: {', '.join([*readable, *foreign])}"
            )
    elif format_ is not None:
        yield (
            f"no consequences were read: the header declares {tag}, but no record has it, and the annotation of the "
            f"records is in {', '.join([*readable, *foreign])}. Remove {tag} from the header, or annotate again"
        )
    else:
        if readable:
            yield (
                f"records have {', '.join(readable)}, but the header does not say its fields: no consequences were read"
            )
        if foreign:
            yield (
                f"records have {', '.join(foreign)}, which is not read: no consequences. Annotate again with "
                f"{_READABLE}"
            )
    if format_ is not None and counts.consequences["stored"] and not format_.has_impact:
        yield (
            f"the entries of {format_.tag} have no field IMPACT: impact and impact_score are null, a query by impact "
            "finds nothing, and no compound heterozygous pairs are made. Annotate again with IMPACT, which VEP writes "
            "unless --fields leaves it out"
        )
    if counts.consequences["elsewhere"]:
        yield (
            f"{counts.consequences['elsewhere']} entries of BCSQ say only at which other position their effect is "
            "written: their rows have no gene and no effect. bcftools csq --local-csq writes every effect where it is"
        )


def listed(counts: Mapping[str, int]) -> str:
    """Return names with their counts, the most frequent first."""
    common = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{name} {count}" for name, count in common[:_NAMED]) + _more(common)


def _more(names: Sequence[object]) -> str:
    return f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
