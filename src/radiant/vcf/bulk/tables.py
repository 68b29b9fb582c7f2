"""Rows of the occurrence, variant and consequence tables from the plain lines of a chunk.

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
from radiant.vcf.bulk import alleles, numbers
from radiant.vcf.bulk.alleles import CLASSES
from radiant.vcf.bulk.columns import coded, number, phase_sets, ratio, spread
from radiant.vcf.bulk.fields import MARKS, FieldReader, Fields, pick
from radiant.vcf.bulk.genotypes import REGION_CODES, ZYGOSITIES, Genotypes, Inheritances, Zygosities
from radiant.vcf.bulk.info import NUMBER_COLUMNS, TEXT_COLUMNS, per_allele
from radiant.vcf.bulk.info_map import AlleleInfo
from radiant.vcf.bulk.plain import Kept, Places, chromosome_names
from radiant.vcf.bulk.rsnumbers import rs_numbers
from radiant.vcf.bulk.samples import Samples
from radiant.vcf.bulk.slices import Integers, Mask, Slices
from radiant.vcf.csq_fields import COLUMNS, ConsequenceFormat
from radiant.vcf.genotypes import LOW_DEPTH, Zygosity
from radiant.vcf.people import Person
from radiant.vcf.schema import arrow_schema

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
    """Who carries it: one row per member."""

    def __len__(self) -> int:
        """Return how many alleles there are."""
        return len(self.place)


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of one table."""

    batch: pa.RecordBatch
    line: Integers
    """Index in the chunk of each row's line."""


def find_carried(kept: Kept, plain: Mask, genotypes: Genotypes, *, everybody: bool) -> tuple[Carried, Integers]:
    """Find the alleles of plain lines that get rows.

    Args:
        kept: The lines.
        plain: Which of them.
        genotypes: The known genotypes.
        everybody: True for a file without samples: every allele gets rows.

    Returns:
        The alleles, and the indexes (among the stored) of those that no member carries.
    """
    alts = kept.alts
    of = alts.line[kept.stored]
    mine = np.flatnonzero(plain[of])
    place, alt = of[mine], kept.stored[mine]
    alt_index = alt - alts.first[place] + 1
    by = np.zeros((len(kept.samples), len(mine)), dtype=np.bool_)
    for member, sample in enumerate(kept.samples):
        by[member] = genotypes.carried(sample.genotype[place], alt_index)
    some = np.ones(len(mine), dtype=np.bool_) if everybody else by.any(axis=0)
    return Carried(place[some], alt[some], alt_index[some], mine[some], by[:, some]), mine[~some]


class TableMaker:
    """Makes the rows of one file."""

    def __init__(self, people: Sequence[Person], genotypes: Genotypes, format_: ConsequenceFormat | None) -> None:
        self._people = people
        self._genotypes = genotypes
        self._zygosities = Zygosities(genotypes)
        self._inheritances = Inheritances(genotypes, people)
        self._fields = None if format_ is None else FieldReader(format_)
        none = -1
        self._fathers = np.array([none if one.father is None else one.father for one in people], dtype=np.int64)
        self._mothers = np.array([none if one.mother is None else one.mother for one in people], dtype=np.int64)
        self._males = np.array([one.member.sex is Sex.MALE for one in people], dtype=np.bool_)

    def make(self, kept: Kept, places: Places, carried: Carried) -> "Rows":
        """Make all rows of some alleles."""
        trimmed = kept.trimmed[carried.stored]
        locus = _locus(kept, places, carried, trimmed)
        fields, group = self._consequences(kept, carried)
        return Rows(self, kept, carried, trimmed, locus, fields, group)

    def _consequences(self, kept: Kept, carried: Carried) -> tuple[Fields | None, Integers]:
        """Read the entries of the carried alleles, allele by allele; return the allele of each."""
        nobody = np.zeros(0, dtype=np.int64)
        if kept.entries is None or self._fields is None:
            return None, nobody
        group = owners(kept, carried, kept.entries.line, kept.entries.alt_index)
        mine = np.flatnonzero(group >= 0)
        group = group[mine]
        if (np.diff(group) < 0).any():
            order = np.argsort(group, kind="stable")
            mine, group = mine[order], group[order]
        if not len(mine):
            return None, nobody
        every = len(mine) == len(kept.entries) and not (np.diff(mine) != 1).any()
        return self._fields.read(kept.entries if every else kept.entries[mine]), group

    # --- Occurrences --------------------------------------------------------------------------------------------------

    def occurrences(self, rows: "Rows") -> tuple[dict[str, pa.Array], Integers, Integers]:
        """Return the columns of the occurrence table, the allele and the member of each row."""
        kept, carried = rows.kept, rows.carried
        allele, who = np.nonzero(carried.by.T)
        place, alt_index = carried.place[allele], carried.alt_index[allele]
        columns = spread(rows.locus | _source(kept, carried) | _info(kept, carried), allele)
        for name in ("patient_id", "experiment_id", "sample", "sex", "affected"):
            columns[name] = coded([person.columns[name] for person in self._people], who)
        columns["is_proband"] = pa.array(
            np.array([person.member.is_proband for person in self._people], dtype=np.bool_)[who]
        )
        own = _Called(kept.samples, who, place, alt_index)
        hemizygous = np.isin(kept.region[place], _HEMIZYGOUS)
        columns |= self._genotype("", own, alt_index, hemizygous & self._males[who])
        columns["gt"] = self._texts(own.genotype)
        columns["phase_set"] = phase_sets(kept.samples, who, place)
        parents: dict[str, Integers] = {}
        for name, parent in (("father", self._fathers[who]), ("mother", self._mothers[who])):
            called = _Called(kept.samples, parent, place, alt_index)
            parents[name] = np.where(parent < 0, 0, called.genotype)
            male = np.zeros(len(who), dtype=np.bool_)
            male[parent >= 0] = self._males[parent[parent >= 0]]
            columns |= self._genotype(f"{name}_", called, alt_index, hemizygous & male)
        columns |= self._inheritances.columns(
            who, kept.region[place], alt_index, own.genotype, parents["father"], parents["mother"]
        )
        return columns, allele, who

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


class _Called:
    """One member's call per row: `who` is the member, -1 for nobody."""

    def __init__(self, samples: Sequence[Samples], who: Integers, place: Integers, alt_index: Integers) -> None:
        count = len(who)
        self.absent = who < 0
        self.genotype = np.zeros(count, dtype=np.int64)
        self.dp, self.gq, self.ad_ref, self.ad_alt, self.ad_total = (np.full(count, numbers.MISSING) for _ in range(5))
        for member, sample in enumerate(samples):
            rows = np.flatnonzero(who == member)
            if not len(rows):
                continue
            at = place[rows]
            self.genotype[rows] = sample.genotype[at]
            self.dp[rows] = sample.dp[at]
            self.gq[rows] = sample.gq[at]
            self.ad_ref[rows] = sample.depths.of(at, 0)
            self.ad_alt[rows] = sample.depths.of(at, alt_index[rows])
            self.ad_total[rows] = sample.depths.total[at]


class Rows:
    """The rows of one chunk, table by table."""

    def __init__(  # noqa: PLR0913, PLR0917 - parts of one thing
        self,
        maker: TableMaker,
        kept: Kept,
        carried: Carried,
        trimmed: alleles.Trimmed,
        locus: dict[str, pa.Array],
        fields: Fields | None,
        group: Integers,
    ) -> None:
        self.kept = kept
        self.carried = carried
        self.trimmed = trimmed
        self.locus = locus
        self.fields = fields
        self.group = group
        """The allele of each entry."""
        self.line = kept.lines[carried.place]
        self.info = AlleleInfo(kept.info.fields, carried.place, carried.alt_index, kept.alts.count)
        self.occurrence_columns, self.allele, self.who = maker.occurrences(self)

    def occurrence(self) -> Table:
        """Return the occurrence rows."""
        return _table(CASE_TABLES["occurrence"], self.occurrence_columns, self.line[self.allele])

    def variant(self) -> Table:
        """Return the variant rows."""
        columns = dict(self.locus)
        count = len(self.carried)
        classes = alleles.variant_classes(self.trimmed)
        columns["variant_class"] = coded(CLASSES, classes.astype(np.int64))
        columns["rsnumber"] = rs_numbers(
            self.kept.id_[self.carried.place], None if self.fields is None else self.fields.existing, self.group
        )
        if self.fields is not None:
            chosen, reason = pick(self.group, self.fields)
            owner = self.group[chosen]
            index = np.zeros(count, dtype=np.int32)
            null = np.ones(count, dtype=np.bool_)
            index[owner], null[owner] = chosen, False
            taken = pa.array(index, mask=null)
            columns |= spread({name: self.fields.columns[name] for name in (*COLUMNS, "annotator")}, taken)
            self.picked = chosen
            marks = np.zeros(count, dtype=np.int64)
            marks[owner] = reason
            columns["picked_by"] = coded(MARKS, marks, null)
        self.info.fill(columns)
        columns |= self.info.columns()
        return _table(self.kept.info.fields.plan.tables["variant"], columns, self.line)

    def consequence(self) -> Table | None:
        """Return the consequence rows; after `variant`, which picks."""
        if self.fields is None:
            return None
        columns = spread(self.locus, self.group)
        columns |= self.fields.columns
        self.info.fill(columns, self.group)
        columns["extra"] = self.fields.extra
        picked = np.zeros(len(self.group), dtype=np.bool_)
        picked[self.picked] = True
        columns["picked"] = pa.array(picked)
        return _table(CASE_TABLES["consequence"], columns, self.line[self.group])


def owners(kept: Kept, carried: Carried, line: Integers, alt_index: Integers) -> Integers:
    """Return the carried allele of each of some entries, -1 for none."""
    row_of = np.full(len(kept.alts.alts), -1, dtype=np.int64)
    row_of[carried.alt] = np.arange(len(carried))
    # An entry whose ALT was not found is of a line that is read alone, and of no allele here.
    matched = alt_index > 0
    return np.where(matched, row_of[kept.alts.first[line] + alt_index - matched], -1)


def _locus(kept: Kept, places: Places, carried: Carried, trimmed: alleles.Trimmed) -> dict[str, pa.Array]:
    """Return the locus columns, one value per allele."""
    contig = kept.contig[carried.place]
    names = chromosome_names(places)
    keys = alleles.loci(names.take(pa.array(contig)), trimmed)
    return {
        "locus": pa.DictionaryArray.from_arrays(pa.array(np.arange(len(keys), dtype=np.int32)), keys),
        "locus_hash": pa.array(alleles.locus_hashes(keys)),
        "chromosome": pa.DictionaryArray.from_arrays(pa.array(contig.astype(np.int32)), names),
        "start": pa.array(trimmed.start),
        "end": pa.array(trimmed.end),
        "reference": trimmed.ref.strings().dictionary_encode(),
        "alternate": trimmed.alt.strings().dictionary_encode(),
    }


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
