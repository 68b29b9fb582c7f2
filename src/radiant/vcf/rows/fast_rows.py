"""Rows of the occurrence, variant and consequence tables from the lines of a chunk that the fast path reads.

Columns that repeat from row to row are dictionary arrays: the value once, and a number per row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from radiant.domain.assembly import RegionClass
from radiant.domain.case import Sex
from radiant.domain.columns import Table as TableDeclaration
from radiant.domain.tables import CASE_TABLES
from radiant.vcf.fast import allele_columns
from radiant.vcf.fast.allele_columns import CLASSES
from radiant.vcf.fast.csq_field_columns import MARKS, FieldReader, Fields, pick
from radiant.vcf.fast.genotype_columns import REGION_CODES, ZYGOSITIES, Genotypes, Inheritances, Zygosities
from radiant.vcf.fast.info_columns import NUMBER_COLUMNS, TEXT_COLUMNS, per_allele
from radiant.vcf.fast.info_map_columns import AlleleInfo
from radiant.vcf.fast.lines import FastLines, Kept
from radiant.vcf.fast.locus_columns import Loci
from radiant.vcf.fast.rs_number_columns import rs_numbers
from radiant.vcf.fast.sample_columns import Samples
from radiant.vcf.header.people import Person
from radiant.vcf.rows.fast_candidates import Occurrences, find_candidates
from radiant.vcf.rows.splice import Table
from radiant.vcf.rules.csq_fields import COLUMNS, ConsequenceFormat
from radiant.vcf.rules.genotypes import LOW_DEPTH, Zygosity
from radiant.vcf.schema import arrow_schema
from radiant.vcf.vector import numbers
from radiant.vcf.vector.arrow import coded, number, ratio, spread
from radiant.vcf.vector.slices import Integers, Mask, Slices

_HEMIZYGOUS = (REGION_CODES[RegionClass.X], REGION_CODES[RegionClass.Y])
_WT, _UNK = ZYGOSITIES.index(Zygosity.WT), ZYGOSITIES.index(Zygosity.UNK)


@dataclass(frozen=True, eq=False)
class Carried:
    """The alleles that get rows. One value per allele."""

    place: Integers
    """Index of its line among the kept lines."""
    alt: Integers
    """Index of its ALT among all ALTs."""
    alt_index: Integers
    """Which ALT of the line, from 1."""
    stored: Integers
    """Index among the stored ALTs."""
    by: NDArray[np.bool_]
    """Whether each member carries it: one row per member."""

    def __len__(self) -> int:
        """Return how many alleles there are."""
        return len(self.place)


def find_carried(kept: Kept, ok: Mask, genotypes: Genotypes, *, everybody: bool) -> tuple[Carried, int]:
    """Find the alleles that get rows.

    Args:
        kept: The kept lines.
        ok: Which of them the fast path reads.
        genotypes: The known genotypes.
        everybody: True for a file without samples: every allele gets rows.

    Returns:
        The alleles, and how many others there are, which no member carries.
    """
    alts = kept.alts
    of = alts.line[kept.stored]
    mine = np.flatnonzero(ok[of])
    place, alt = of[mine], kept.stored[mine]
    alt_index = alt - alts.first[place] + 1
    by = np.zeros((len(kept.samples), len(mine)), dtype=np.bool_)
    for member, sample in enumerate(kept.samples):
        by[member] = genotypes.carried(sample.genotype[place], alt_index)
    some = np.ones(len(mine), dtype=np.bool_) if everybody else by.any(axis=0)
    carried = Carried(place[some], alt[some], alt_index[some], mine[some], by[:, some])
    return carried, len(mine) - len(carried)


@dataclass(frozen=True, eq=False)
class FastRows:
    """The rows of the lines of one chunk that the fast path reads."""

    carried: Carried
    not_carried: int
    """Alleles without a row: no member carries them."""
    trimmed: allele_columns.Trimmed
    """Of the carried alleles."""
    occurrences: Occurrences | None
    """None where there are no rows."""
    tables: Mapping[str, Table]
    """By short name."""
    candidates: Table | None
    """What may be half of a compound heterozygous pair, as `pairs.CANDIDATES`."""


@dataclass(frozen=True, eq=False)
class _Consequences:
    """The entries of the carried alleles, allele by allele."""

    fields: Fields
    allele: Integers
    """The carried allele of each entry."""
    picked: Integers
    """Index of the entry that is picked for each allele that has any, allele by allele."""
    reason: NDArray[np.int8]
    """Why, as a code of `MARKS`."""


class RowMaker:
    """Makes the rows of one file."""

    def __init__(
        self,
        people: Sequence[Person],
        genotypes: Genotypes,
        format_: ConsequenceFormat | None,
        minimum_impact: int,
    ) -> None:
        """Take what is the same for all chunks.

        Args:
            people: The members.
            genotypes: The genotypes that the samples are coded with.
            format_: What the header says of consequence entries.
            minimum_impact: Impact from which a heterozygous allele can be half of a pair.
        """
        self._people = people
        self._genotypes = genotypes
        self._minimum_impact = minimum_impact
        self._zygosities = Zygosities(genotypes)
        self._inheritances = Inheritances(genotypes, people)
        self._fields = None if format_ is None else FieldReader(format_)
        none = -1
        self._fathers = np.array([none if one.father is None else one.father for one in people], dtype=np.int64)
        self._mothers = np.array([none if one.mother is None else one.mother for one in people], dtype=np.int64)
        self._males = np.array([one.member.sex is Sex.MALE for one in people], dtype=np.bool_)

    def make(self, lines: FastLines, kept: Kept, *, everybody: bool) -> FastRows:
        """Make the rows of a chunk.

        Args:
            lines: Of the chunk.
            kept: Its kept lines.
            everybody: True for a file without samples: every allele gets rows.
        """
        carried, not_carried = find_carried(kept, lines.ok, self._genotypes, everybody=everybody)
        trimmed = kept.trimmed[carried.stored]
        if not len(carried):
            return FastRows(carried, not_carried, trimmed, None, {}, None)
        line = kept.lines[carried.place]
        locus = _locus(kept, lines.loci, carried, trimmed)
        info = AlleleInfo.of(kept.info.fields, carried.place, carried.alt_index, kept.alts.count)
        entries = self._consequences(kept, carried)
        occurrences = self._occurrences(kept, carried, locus)
        tables = {
            "occurrence": _table(CASE_TABLES["occurrence"], occurrences.columns, line[occurrences.allele]),
            "variant": _variants(kept, carried, trimmed, locus, entries, info, line),
        }
        candidates = None
        if entries is not None:
            tables["consequence"] = _consequence_rows(locus, entries, info, line)
            region = kept.region[carried.place]
            candidates = find_candidates(
                occurrences, entries.fields, entries.allele, region, line, self._people, self._minimum_impact
            )
        return FastRows(carried, not_carried, trimmed, occurrences, tables, candidates)

    def _consequences(self, kept: Kept, carried: Carried) -> _Consequences | None:
        """Read and pick the entries of the carried alleles."""
        if kept.entries is None or self._fields is None:
            return None
        allele = owners(kept, carried, kept.entries.line, kept.entries.alt_index)
        mine = np.flatnonzero(allele >= 0)
        allele = allele[mine]
        if (np.diff(allele) < 0).any():
            order = np.argsort(allele, kind="stable")
            mine, allele = mine[order], allele[order]
        if not len(mine):
            return None
        every = len(mine) == len(kept.entries) and not (np.diff(mine) != 1).any()
        fields = self._fields.read(kept.entries if every else kept.entries[mine])
        return _Consequences(fields, allele, *pick(allele, fields))

    # --- Occurrences --------------------------------------------------------------------------------------------------

    def _occurrences(self, kept: Kept, carried: Carried, locus: Mapping[str, pa.Array]) -> Occurrences:
        """Return the occurrences, allele by allele."""
        allele, who = np.nonzero(carried.by.T)
        place, alt_index = carried.place[allele], carried.alt_index[allele]
        columns = spread({**locus, **_source(kept, carried), **_info(kept, carried)}, allele)
        for name in ("patient_id", "experiment_id", "sample", "sex", "affected"):
            columns[name] = coded([person.columns[name] for person in self._people], who)
        columns["is_proband"] = pa.array(
            np.array([person.member.is_proband for person in self._people], dtype=np.bool_)[who]
        )
        own = _called(kept.samples, who, place, alt_index)
        hemizygous = np.isin(kept.region[place], _HEMIZYGOUS)
        columns |= self._genotype("", own, alt_index, hemizygous & self._males[who])
        columns["gt"] = self._texts(own.genotype)
        columns["phase_set"] = _phase_sets(kept.samples, who, place)
        parents: dict[str, Integers] = {}
        for name, parent in (("father", self._fathers[who]), ("mother", self._mothers[who])):
            called = _called(kept.samples, parent, place, alt_index)
            parents[name] = np.where(parent < 0, 0, called.genotype)
            male = np.zeros(len(who), dtype=np.bool_)
            male[parent >= 0] = self._males[parent[parent >= 0]]
            columns |= self._genotype(f"{name}_", called, alt_index, hemizygous & male)
        columns |= self._inheritances.columns(
            who, kept.region[place], alt_index, own.genotype, parents["father"], parents["mother"]
        )
        return Occurrences(columns, allele, who)

    def _genotype(self, prefix: str, called: "_Called", alt_index: Integers, hemizygous: Mask) -> dict[str, pa.Array]:
        """Return the genotype columns of the members themselves (no prefix) or of a parent."""
        null = called.absent
        count = len(null)
        names = ("calls", "zygosity", "dp", "gq", "ad_ref", "ad_alt", "ad_total", "ad_ratio")
        if count and null.all():
            schema = arrow_schema(CASE_TABLES["occurrence"])
            return {f"{prefix}{name}": pa.nulls(count, schema.field(f"{prefix}{name}").type) for name in names}
        zygosity = self._zygosities.called(called.genotype, alt_index, hemizygous)
        support = np.where(zygosity == _WT, called.ad_ref, called.ad_alt)
        zygosity[(support != numbers.MISSING) & (support < LOW_DEPTH)] = _UNK
        calls, phased = self._zygosities.calls(called.genotype, alt_index, null if null.any() else None)
        columns = {
            f"{prefix}calls": calls,
            f"{prefix}zygosity": pa.DictionaryArray.from_arrays(
                pa.array(zygosity.astype(np.int32), mask=null), pa.array([one.value for one in ZYGOSITIES])
            ),
            f"{prefix}dp": number(called.dp),
            f"{prefix}gq": number(called.gq),
            f"{prefix}ad_ref": number(called.ad_ref),
            f"{prefix}ad_alt": number(called.ad_alt),
            f"{prefix}ad_total": number(called.ad_total),
            f"{prefix}ad_ratio": ratio(called.ad_alt, called.ad_total),
        }
        if not prefix:
            columns["phased"] = phased
        return columns

    def _texts(self, codes: Integers) -> pa.DictionaryArray:
        distinct, index = np.unique(codes, return_inverse=True)
        texts = [self._genotypes.texts[code] for code in distinct.tolist()]
        null = np.array([text is None for text in texts], dtype=np.bool_)[index]
        return pa.DictionaryArray.from_arrays(
            pa.array(index.astype(np.int32), mask=null), pa.array([text or "" for text in texts], pa.string())
        )


@dataclass(frozen=True, eq=False)
class _Called:
    """One member's call per row."""

    absent: Mask
    """Rows without the member."""
    genotype: Integers
    dp: Integers
    gq: Integers
    ad_ref: Integers
    ad_alt: Integers
    ad_total: Integers


def _called(samples: Sequence[Samples], who: Integers, place: Integers, alt_index: Integers) -> _Called:
    """Return the calls of the members `who`, -1 for none, at some kept lines and ALTs."""
    count = len(who)
    genotype = np.zeros(count, dtype=np.int64)
    dp, gq, ad_ref, ad_alt, ad_total = (np.full(count, numbers.MISSING) for _ in range(5))
    for member, sample in enumerate(samples):
        rows = np.flatnonzero(who == member)
        if not len(rows):
            continue
        at = place[rows]
        genotype[rows] = sample.genotype[at]
        dp[rows] = sample.dp[at]
        gq[rows] = sample.gq[at]
        ad_ref[rows] = sample.depths.of(at, 0)
        ad_alt[rows] = sample.depths.of(at, alt_index[rows])
        ad_total[rows] = sample.depths.total[at]
    return _Called(who < 0, genotype, dp, gq, ad_ref, ad_alt, ad_total)


def _phase_sets(samples: Sequence[Samples], who: Integers, place: Integers) -> pa.Array:
    """Return PS of each row, given its member and its line's place among the kept lines."""
    if not any(sample.phase_set is not None for sample in samples):
        return pa.nulls(len(who), pa.string())
    parts: list[pa.Array] = []
    rows: list[Integers] = []
    for member, sample in enumerate(samples):
        mine = np.flatnonzero(who == member)
        rows.append(mine)
        if sample.phase_set is None:
            parts.append(pa.nulls(len(mine), pa.string()))
        else:
            found = sample.phase_set[place[mine]]
            parts.append(found.strings(found.length == 0))
    order = np.argsort(np.concatenate(rows), kind="stable")
    return pa.concat_arrays(parts).take(pa.array(order))


def _variants(  # noqa: PLR0913, PLR0917 - parts of a row
    kept: Kept,
    carried: Carried,
    trimmed: allele_columns.Trimmed,
    locus: Mapping[str, pa.Array],
    entries: _Consequences | None,
    info: AlleleInfo,
    line: Integers,
) -> Table:
    """Return the variant rows, one per carried allele."""
    columns = dict(locus)
    count = len(carried)
    columns["variant_class"] = coded(CLASSES, allele_columns.variant_classes(trimmed).astype(np.int64))
    existing, allele = (None, _NONE) if entries is None else (entries.fields.existing, entries.allele)
    columns["rsnumber"] = rs_numbers(kept.id_[carried.place], existing, allele)
    if entries is not None:
        owner = entries.allele[entries.picked]
        index = np.zeros(count, dtype=np.int32)
        null = np.ones(count, dtype=np.bool_)
        index[owner], null[owner] = entries.picked, False
        taken = pa.array(index, mask=null)
        columns |= spread({name: entries.fields.columns[name] for name in (*COLUMNS, "annotator")}, taken)
        marks = np.zeros(count, dtype=np.int64)
        marks[owner] = entries.reason
        columns["picked_by"] = coded(MARKS, marks, null)
    columns |= info.variant_columns(columns)
    return _table(kept.info.fields.plan.tables["variant"], columns, line)


def _consequence_rows(locus: Mapping[str, pa.Array], entries: _Consequences, info: AlleleInfo, line: Integers) -> Table:
    """Return the consequence rows, one per entry."""
    columns = spread(locus, entries.allele)
    columns |= entries.fields.columns
    columns |= info.frequencies(columns, entries.allele)
    columns["extra"] = entries.fields.extra
    picked = np.zeros(len(entries.allele), dtype=np.bool_)
    picked[entries.picked] = True
    columns["picked"] = pa.array(picked)
    return _table(CASE_TABLES["consequence"], columns, line[entries.allele])


_NONE = np.zeros(0, dtype=np.int64)


def owners(kept: Kept, carried: Carried, line: Integers, alt_index: Integers) -> Integers:
    """Return the carried allele of each of some entries, -1 for none."""
    row_of = np.full(len(kept.alts.alts), -1, dtype=np.int64)
    row_of[carried.alt] = np.arange(len(carried))
    # An entry whose ALT was not found is of a line that is read alone, and of no allele here.
    matched = alt_index > 0
    return np.where(matched, row_of[kept.alts.first[line] + alt_index - matched], -1)


def _locus(kept: Kept, loci: Loci, carried: Carried, trimmed: allele_columns.Trimmed) -> dict[str, pa.Array]:
    """Return the locus columns, one value per allele."""
    contig = kept.contig[carried.place]
    names = _chromosome_names(loci)
    keys = allele_columns.loci(names.take(pa.array(contig)), trimmed)
    return {
        "locus": pa.DictionaryArray.from_arrays(pa.array(np.arange(len(keys), dtype=np.int32)), keys),
        "locus_hash": pa.array(allele_columns.locus_hashes(keys)),
        "chromosome": pa.DictionaryArray.from_arrays(pa.array(contig.astype(np.int32)), names),
        "start": pa.array(trimmed.start),
        "end": pa.array(trimmed.end),
        "reference": trimmed.ref.strings().dictionary_encode(),
        "alternate": trimmed.alt.strings().dictionary_encode(),
    }


def _chromosome_names(loci: Loci) -> pa.Array:
    """Return the canonical names by contig code, empty for contigs outside the primary set: no row is there."""
    return pa.array([name or "" for name in loci.chromosomes], pa.string())


def _source(kept: Kept, carried: Carried) -> dict[str, pa.Array]:
    place = carried.place
    filters = pa.array(kept.filters, pa.list_(pa.string()))
    quality = kept.quality[place]
    with np.errstate(over="ignore"):
        quality32 = quality.astype(np.float32)
    return {
        "source_pos": pa.array(kept.pos[place]),
        "source_ref": kept.alts.ref[place].strings().dictionary_encode(),
        "source_alt": kept.alt[place].strings().dictionary_encode(),
        "alt_index": pa.array(carried.alt_index.astype(np.int32)),
        "quality": pa.array(quality32, mask=np.isnan(quality)),
        "filter": pa.DictionaryArray.from_arrays(pa.array(kept.filter_[place].astype(np.int32)), filters),
    }


def _info(kept: Kept, carried: Carried) -> dict[str, pa.Array]:
    columns = {
        column.name: per_allele(column, kept.info, carried.place, carried.alt_index) for column in NUMBER_COLUMNS
    }
    for column in TEXT_COLUMNS:
        found = kept.info.columns.get(column.name)
        if isinstance(found, Slices):
            mine = found[carried.place]
            null = mine.length < 0
            pieces = Slices(mine.buffer, mine.start, np.maximum(mine.start, mine.end))
            columns[column.name] = pieces.dictionary(null)
    return columns


def _table(table: TableDeclaration, columns: Mapping[str, pa.Array], line: Integers) -> Table:
    schema = arrow_schema(table)
    count = len(line)
    arrays = [columns[field.name] if field.name in columns else pa.nulls(count, field.type) for field in schema]
    fields = [pa.field(field.name, array.type, field.nullable) for field, array in zip(schema, arrays, strict=True)]
    return Table(pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields)), line)
