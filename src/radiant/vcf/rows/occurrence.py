"""Rows of the occurrence table from the lines of a chunk that the fast path reads: one per allele and member.

Columns that repeat from row to row are dictionary arrays: the value once, and a number per row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from radiant.domain.assembly import RegionClass
from radiant.domain.case import Sex
from radiant.domain.tables import CASE_TABLES
from radiant.vcf.fast.genotype_columns import REGION_CODES, ZYGOSITIES, Genotypes, Inheritances, Zygosities
from radiant.vcf.fast.info_columns import NUMBER_COLUMNS, TEXT_COLUMNS, per_allele
from radiant.vcf.fast.lines import Kept
from radiant.vcf.fast.sample_columns import Samples
from radiant.vcf.header.people import Person
from radiant.vcf.rows.carried import Carried
from radiant.vcf.rules.genotypes import LOW_DEPTH, Zygosity
from radiant.vcf.schema import arrow_schema
from radiant.vcf.vector import numbers
from radiant.vcf.vector.arrow import coded, number, ratio, spread
from radiant.vcf.vector.slices import Integers, Mask, Slices

_HEMIZYGOUS = (REGION_CODES[RegionClass.X], REGION_CODES[RegionClass.Y])
_WT, _UNK = ZYGOSITIES.index(Zygosity.WT), ZYGOSITIES.index(Zygosity.UNK)


@dataclass(frozen=True, eq=False)
class Occurrences:
    """Rows of the occurrence table."""

    columns: Mapping[str, pa.Array]
    allele: Integers
    """The carried allele of each."""
    who: Integers
    """The member of each."""

    @property
    def zygosity(self) -> Integers:
        """Code of each zygosity among `genotypes.ZYGOSITIES`."""
        codes: Integers = self.columns["zygosity"].indices.to_numpy(zero_copy_only=False)
        return codes


class OccurrenceMaker:
    """Makes the occurrence rows of one file."""

    def __init__(self, people: Sequence[Person], genotypes: Genotypes) -> None:
        self._people = people
        self._genotypes = genotypes
        self._zygosities = Zygosities(genotypes)
        self._inheritances = Inheritances(genotypes, people)
        none = -1
        self._fathers = np.array([none if one.father is None else one.father for one in people], dtype=np.int64)
        self._mothers = np.array([none if one.mother is None else one.mother for one in people], dtype=np.int64)
        self._males = np.array([one.member.sex is Sex.MALE for one in people], dtype=np.bool_)

    def make(self, kept: Kept, carried: Carried, locus: Mapping[str, pa.Array]) -> Occurrences:
        """Return the occurrences of carried alleles, allele by allele and in each in the order of the members."""
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


def _source(kept: Kept, carried: Carried) -> dict[str, pa.Array]:
    place = carried.place
    filters = pa.array(kept.filters, pa.list_(pa.string()))
    quality = kept.quality[place]
    with np.errstate(over="ignore"):
        quality32 = quality.astype(np.float32)
    return {
        "source_pos": pa.array(kept.pos[place]),
        "source_ref": kept.alts.written_ref[place].strings().dictionary_encode(),
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
