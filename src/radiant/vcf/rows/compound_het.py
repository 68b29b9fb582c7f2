"""Compound heterozygous pairs on arrays; the rule is that of `domain/compound_het.py`.

Candidates are columns. Sorted by member and gene, every candidate meets those behind it in its group:

    group      a a a b b         candidate i has as many partners as there are rows left in its group
    row        0 1 2 3 4
    first      0 0 1 3           `repeat(row, partners)`
    second     1 2 2 4           `ranges(row + 1, partners)`

So pairs come a few ten thousand at a time, whatever their number.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

import numpy as np
import pyarrow as pa

from radiant.domain.compound_het import InTrans
from radiant.domain.inheritance import ParentalOrigin
from radiant.domain.tables import CASE_TABLES
from radiant.vcf.header.people import Person
from radiant.vcf.rows import pair_collection
from radiant.vcf.rows.pair_collection import CompoundHets
from radiant.vcf.rules.pair_candidates import Candidate
from radiant.vcf.schema import arrow_schema
from radiant.vcf.vector.grouping import group_rows
from radiant.vcf.vector.slices import Integers, Mask, encoded, ranges

LOCUS_COLUMNS = ("locus", "locus_hash", "chromosome", "start", "end", "reference", "alternate")
_TABLE = arrow_schema(CASE_TABLES["compound_het"])
CANDIDATES = pa.schema(
    [
        pa.field("person", pa.int32()),
        *(_TABLE.field(name) for name in ("gene_id", "symbol", *LOCUS_COLUMNS)),
        pa.field("site", pa.string()),
        pa.field("phased", pa.bool_()),
        pa.field("phase_set", pa.string()),
        pa.field("haplotype", pa.int32()),
        pa.field("parental_origin", pa.string()),
    ]
)
"""`person` is the member's index, `site` what alleles of one line share, `haplotype` the allele's index in `calls`."""

_OF_A_PARENT = (ParentalOrigin.FATHER.value, ParentalOrigin.MOTHER.value)
_BLOCK = 1 << 16
"""Pairs that are made at once, and as many as one candidate has more."""


class PairsInColumns(CompoundHets):
    """Candidates of one case, or of a piece of its file, as columns."""

    def __init__(self, people: Sequence[Person]) -> None:
        super().__init__(people)
        self._columns: list[pa.RecordBatch] = []

    def add(self, found: Sequence[tuple[int, Candidate]]) -> None:
        """Add candidates in the file's order."""
        if found:
            self.add_columns(candidate_rows(found))

    def add_columns(self, found: pa.RecordBatch) -> None:
        """Add candidates, given as `CANDIDATES`, in the file's order."""
        for (person, gene), count in _tally(found).items():
            self.counts[person][gene] += count
        self._keep(found)

    def merge(self, later: CompoundHets) -> None:
        """Add the candidates of a later part of the same file."""
        later = cast("PairsInColumns", later)
        for person, counts in enumerate(later.counts):
            if counts:
                self.counts[person].update(counts)
        whole = later._together()  # noqa: SLF001 - another one of these
        if whole is not None:
            self._keep(whole)

    def batches(self, minimum_impact: int, most_rows: int) -> Iterator[pa.RecordBatch]:
        """Yield the table's rows; see `CompoundHets.batches`. Candidates were above the threshold when they were kept.

        Text comes as dictionaries.
        """
        del minimum_impact
        whole = self._together()
        if whole is None:
            return
        pairs = _Pairs(self._uncrowded(whole), self._people)
        for batch in pairs.batches():
            for start in range(0, batch.num_rows, most_rows):
                yield batch.slice(start, most_rows)

    def _together(self) -> pa.RecordBatch | None:
        """Return all candidates as one batch: each of many small ones costs more than its rows."""
        if not self._columns:
            return None
        return pa.Table.from_batches(self._columns).combine_chunks().to_batches()[0]

    def _keep(self, found: pa.RecordBatch) -> None:
        kept = self._uncrowded(found)
        if kept.num_rows:
            self._columns.append(kept)

    def _uncrowded(self, found: pa.RecordBatch) -> pa.RecordBatch:
        """Leave out the genes that have too many candidates by now."""
        group, groups = _groups(found)
        crowded = np.array(
            [self.counts[person][gene] > pair_collection.MAX_CANDIDATES for person, gene in groups], dtype=np.bool_
        )
        return found.filter(pa.array(~crowded[group])) if crowded.any() else found


def candidate_rows(found: Sequence[tuple[int, Candidate]]) -> pa.RecordBatch:
    """Return candidates as `CANDIDATES`."""
    return pa.RecordBatch.from_pylist([_row(person, one) for person, one in found], schema=CANDIDATES)


def _row(person: int, candidate: Candidate) -> dict[str, object]:
    allele = candidate.allele
    return {
        "person": person,
        "gene_id": allele.gene,
        "symbol": candidate.symbol,
        **candidate.locus,
        "site": allele.line,
        "phased": allele.phased,
        "phase_set": allele.phase_set,
        "haplotype": allele.calls.index(1),
        "parental_origin": allele.parental_origin.value,
    }


def _groups(found: pa.RecordBatch) -> tuple[Integers, list[tuple[int, str]]]:
    """Return the group of each row, and member and gene of each group."""
    gene, genes = encoded(found["gene_id"])
    groups = group_rows(found["person"].to_numpy().astype(np.int64), gene)
    return groups.index, [(person, genes[code]) for person, code in groups.values]


def _tally(found: pa.RecordBatch) -> Mapping[tuple[int, str], int]:
    index, groups = _groups(found)
    return Counter(dict(zip(groups, np.bincount(index, minlength=len(groups)).tolist(), strict=True)))


class _Pairs:
    """All pairs among some candidates."""

    def __init__(self, found: pa.RecordBatch, people: Sequence[Person]) -> None:
        group, groups = _groups(found)
        # Groups in the order of their members and, within, of their first candidates: as numbered, by member.
        rank = np.argsort(np.argsort(np.array([person for person, _ in groups]), kind="stable"), kind="stable")
        order = np.argsort(rank[group], kind="stable")
        self._found = found.take(pa.array(order))
        self._people = people
        ranked = rank[group][order]
        ends = np.flatnonzero(np.diff(ranked, append=-1)) + 1
        self._partners = np.repeat(ends, np.diff(ends, prepend=0)) - np.arange(len(order)) - 1
        self._texts = {
            name: self._found[name].dictionary_encode()
            for name in ("gene_id", "symbol", "locus", "chromosome", "reference", "alternate", "site", "phase_set",
                         "parental_origin")
        }  # fmt: skip
        self._codes = {name: _code(column) for name, column in self._texts.items()}

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows of the pairs, some ten thousand at a time."""
        until = np.cumsum(self._partners)
        low = 0
        while low < len(until):
            before = int(until[low - 1]) if low else 0
            high = max(low + 1, int(np.searchsorted(until, before + _BLOCK, side="right")))
            rows = np.arange(low, high)
            first = np.repeat(rows, self._partners[low:high])
            second = ranges(rows + 1, self._partners[low:high])
            low = high
            pairs = self._some(first, second)
            if pairs is not None:
                yield pairs

    def _some(self, first: Integers, second: Integers) -> pa.RecordBatch | None:
        known, never = self._in_trans(first, second)
        mine = ~never & (self._codes["locus"][first] != self._codes["locus"][second])
        if not mine.any():
            return None
        # Each pair is two rows, one after the other.
        own = np.column_stack((first[mine], second[mine])).reshape(-1)
        partner = np.column_stack((second[mine], first[mine])).reshape(-1)
        at = pa.array(own)
        person = self._found["person"].to_numpy()[own]
        columns: dict[str, pa.Array] = {}
        for name in ("patient_id", "experiment_id", "sample", "is_proband"):
            values = pa.array([one.columns[name] for one in self._people], _TABLE.field(name).type)
            column = values.take(pa.array(person))
            columns[name] = column if name == "is_proband" else column.dictionary_encode()
        for name in (*LOCUS_COLUMNS, "gene_id", "symbol"):
            columns[name] = self._text(name, at) if name in self._texts else self._found[name].take(at)
        columns["partner_locus"] = self._text("locus", pa.array(partner))
        code = np.repeat(np.where(known[mine], 0, 1), 2).astype(np.int32)
        names = pa.array([InTrans.KNOWN.value, InTrans.ASSUMED.value])
        columns["in_trans"] = pa.DictionaryArray.from_arrays(pa.array(code), names)
        arrays = [columns[field.name] for field in _TABLE]
        fields = [pa.field(field.name, array.type, field.nullable) for field, array in zip(_TABLE, arrays, strict=True)]
        return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))

    def _text(self, name: str, at: pa.Array) -> pa.DictionaryArray:
        column = self._texts[name]
        return pa.DictionaryArray.from_arrays(column.indices.take(at), column.dictionary)

    def _in_trans(self, first: Integers, second: Integers) -> tuple[Mask, Mask]:
        """Return which pairs are certainly on different copies, and which are on the same one."""
        codes = self._codes

        def same(name: str) -> Mask:
            return codes[name][first] == codes[name][second]

        origins = self._texts["parental_origin"].dictionary.to_pylist()
        named = np.array([one in _OF_A_PARENT for one in origins], dtype=np.bool_)[codes["parental_origin"]]
        by_origin = named[first] & named[second]
        phased = self._found["phased"].to_numpy(zero_copy_only=False)
        by_phase = phased[first] & phased[second] & same("phase_set")
        by_phase &= (codes["phase_set"][first] >= 0) | same("chromosome")
        haplotype = self._found["haplotype"].to_numpy()
        apart = haplotype[first] != haplotype[second]
        yes = same("site") | (by_origin & ~same("parental_origin")) | (by_phase & apart)
        no = (by_origin & same("parental_origin")) | (by_phase & ~apart)
        return yes & ~no, no & ~yes


def _code(column: pa.DictionaryArray) -> Integers:
    indices = column.indices
    return (indices.fill_null(-1) if indices.null_count else indices).to_numpy().astype(np.int64)
