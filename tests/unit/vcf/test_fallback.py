"""Lines that the fast path leaves to the rules are counted by reason, in the report and for the log."""

import pytest

from equivalence import compare
from radiant import vcf
from vcf_files import HEADER, record, text, write

ENTRIES = '##INFO=<ID=CSQ,Number=.,Type=String,Description="Consequences. Format: Allele|Consequence|IMPACT">\n'
LINES = {
    "columns": record(info="CADD=1;NOTE=a\x01"),
    "locus": record(pos="0000001000"),
    "alleles": record(alt=",".join("A" + "C" * count for count in range(1, 67))),
    "contig_end": record(pos=248956422, ref="AC", alt="A"),
    "id": record(id_="rs1;rs1"),
    "qual": record(qual="inf"),
    "filter": record(filter_="PASS;0"),
    "info": record(info="DP=1;DP=2"),
    "samples": record("0/1:1:2", format_="GT:DP"),
}
"""A line that the fast path leaves, by its reason."""
PLAIN = [record(pos=10), record(pos=20), record(pos=30)]


def read_counts(path, **options: object) -> dict:
    """Return the report's `fallback`."""
    return compare(path, tolerate=99, **options).report["fallback"]


@pytest.mark.parametrize("reason", LINES)
def test_a_line_is_counted_by_its_reason(tmp_path, reason):
    path = write(tmp_path / "a.vcf", text([*PLAIN, LINES[reason]], header=HEADER + ENTRIES))
    found = read_counts(path)
    assert (found["lines"], found["reasons"]) == (1, {reason: 1})


def test_lines_with_a_finding_are_those_that_are_rejected_or_have_a_piece(tmp_path):
    lines = [record(pos="0000001000"), record(pos=1010, filter_="0"), record(pos=1020, info="DP=1;DP=2")]
    found = read_counts(write(tmp_path / "a.vcf", text([*PLAIN, *lines])))
    assert found == {"lines": 3, "with_finding": 2, "reasons": {"filter": 1, "info": 1, "locus": 1}}


def test_every_line_of_an_unsorted_file_is_counted(tmp_path):
    found = read_counts(write(tmp_path / "a.vcf", text([*PLAIN, record(pos=1)])))
    assert found == {"lines": 4, "with_finding": 1, "reasons": {"unsorted": 4}}


def test_a_file_without_such_lines_has_none_and_no_note(tmp_path):
    path = write(tmp_path / "a.vcf", text(PLAIN))
    assert read_counts(path) == {"lines": 0, "with_finding": 0, "reasons": {}}
    assert report_of(path).fallback_note is None


def test_the_note_for_the_log_has_counts_and_reasons_and_no_text_of_the_file(tmp_path):
    path = write(tmp_path / "a.vcf", text([*PLAIN, record(pos=100, filter_="secret;0"), LINES["info"]]))
    note = report_of(path, tolerate=9).fallback_note
    assert note == (
        "2 of 5 lines were read one at a time, which takes longer and changes no row; 2 of them have a finding; by "
        "what the fast path does not read: filter 1, info 1"
    )


def test_with_the_rules_alone_every_line_is_counted_as_requested(tmp_path):
    found = report_of(write(tmp_path / "a.vcf", text(PLAIN)), fast=False).fallback
    assert (found.lines, dict(found.reasons)) == (3, {"requested": 3})


def report_of(path, **options: object) -> vcf.ImportReport:
    """Read a file to its end."""
    reader = vcf.read_case(f"file://{path}", None, vcf.ReadOptions(**options))
    for _ in reader.batches():
        pass
    return reader.report
