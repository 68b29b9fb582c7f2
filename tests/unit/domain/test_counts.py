"""Counters that are added up over parts of a file."""

from dataclasses import astuple, dataclass, fields

from radiant.domain.counts import add_counts
from radiant.vcf.totals import Counts


@dataclass
class Some:
    is_proband: bool
    alleles: int = 0
    het: int = 0
    name: str = ""


def test_integers_are_added_and_other_fields_stay():
    counts = Some(is_proband=False, alleles=1, het=2, name="first")
    add_counts(counts, Some(is_proband=True, alleles=10, het=20, name="second"))
    assert astuple(counts) == (False, 11, 22, "first")


def test_every_counter_of_a_file_is_added_when_parts_are_merged():
    whole, part = Counts(), Counts()
    part.add_lines("chr1", "kept", 3)
    counters = [one.name for one in fields(part) if one.name not in {"total", "contigs"}]
    for at, name in enumerate(counters, 1):
        getattr(part, name)["x"] = at
    whole.merge(part)
    whole.merge(part)
    assert astuple(whole.total) == astuple(whole.contigs["chr1"]) == (6, 6, 0, 0, 0)
    assert [getattr(whole, name)["x"] for name in counters] == [2 * at for at in range(1, len(counters) + 1)]
