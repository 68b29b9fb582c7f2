"""Rules about genotypes, evaluated once per distinct genotype.

A file has a few hundred distinct GT texts. Each gets a code; what a rule says about a code is looked up. The rules
themselves are the plain functions of `vcf.rules.genotypes`, `vcf.rules.alleles` and `domain.inheritance`.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from radiant.domain.assembly import RegionClass
from radiant.domain.case import Affected, Sex
from radiant.domain.inheritance import infer
from radiant.domain.trio import MISSING, Trio
from radiant.vcf.findings import BrokenRuleError
from radiant.vcf.header.people import Person
from radiant.vcf.rules import alleles
from radiant.vcf.rules.genotypes import Zygosity, site_calls, zygosity
from radiant.vcf.vector.grouping import group_rows, look_up
from radiant.vcf.vector.slices import Integers, Mask

MOST_GENOTYPES = 4000
"""Distinct GT texts beyond these are read line by line."""
_LONGEST_GT = 64
REGIONS: tuple[RegionClass, ...] = tuple(RegionClass)
"""Region classes by code."""
REGION_CODES = {region: code for code, region in enumerate(REGIONS)}
ZYGOSITIES: tuple[Zygosity, ...] = tuple(Zygosity)
"""Zygosities by code."""
_ZYGOSITY_CODES = {zygosity: code for code, zygosity in enumerate(ZYGOSITIES)}


class Genotypes:
    """The GT texts met so far, by code."""

    def __init__(self) -> None:
        """Start with two: no GT at all, and a missing one."""
        self.texts: list[str | None] = [None, "."]
        self.none = 0
        self.missing = 1
        self._codes: dict[str, int] = {".": 1}
        self.calls: list[tuple[int, ...]] = [(-1,), (-1,)]
        """Allele numbers of the line, -1 missing."""
        self.highest: Integers = np.array([0, 0])
        """Highest allele number."""
        self.ploidy: Integers = np.array([0, 0])
        """How many alleles; 0 where it is not known."""

    def code(self, text: str) -> int:
        """Return the code of a GT, -1 for one that is no genotype or one too many."""
        known = self._codes.get(text)
        if known is not None:
            return known
        if len(self.texts) >= MOST_GENOTYPES or len(text) > _LONGEST_GT:
            return -1
        try:
            alleles.calls(text, 1)
        except BrokenRuleError:
            return -1
        code = self._codes[text] = len(self.texts)
        calls = site_calls(text)
        self.texts.append(text)
        self.calls.append(calls)
        self.highest = np.append(self.highest, max(0, *calls))
        self.ploidy = np.append(self.ploidy, 0 if calls == (-1,) else len(calls))
        return code

    def distinct(self, codes: Integers) -> Iterator[Integers]:
        """Yield an allele number of each genotype after the other, each once, and -1 where there is no further one."""
        alleles_of = [sorted(set(calls) - {MISSING}) for calls in self.calls]
        for place in range(max(map(len, alleles_of))):
            one = [found[place] if place < len(found) else MISSING for found in alleles_of]
            yield np.array(one, dtype=np.int64)[codes]

    def carried(self, codes: Integers, alt_index: Integers) -> Mask:
        """Return which genotypes have an allele."""
        return look_up(self._has, np.bool_, codes, alt_index)

    def _has(self, code: int, allele: int) -> bool:
        return allele in self.calls[code]


class Zygosities:
    """Calls, phase and zygosity of a genotype for one of its alleles."""

    def __init__(self, genotypes: Genotypes) -> None:
        self._genotypes = genotypes

    def called(self, codes: Integers, alt_index: Integers, hemizygous: Mask) -> NDArray[np.int8]:
        """Return the code of the zygosity before the low-depth rule."""
        return look_up(self._zygosity, np.int8, codes, alt_index, hemizygous.astype(np.int64))

    def _zygosity(self, code: int, alt_index: int, hemizygous: int) -> int:
        region = RegionClass.X if hemizygous else RegionClass.AUTOSOME
        return _ZYGOSITY_CODES[zygosity(self._genotypes.texts[code], alt_index, Sex.MALE, region)]

    def calls(
        self, codes: Integers, alt_index: Integers, null: Mask | None
    ) -> tuple[pa.DictionaryArray, pa.DictionaryArray]:
        """Return the calls as this ALT sees them, and whether each genotype is phased."""
        groups = group_rows(codes, alt_index)
        found = [alleles.calls(self._genotypes.texts[code] or ".", alt) for code, alt in groups.values]
        at = pa.array(groups.index.astype(np.int32), mask=null)
        lists = pa.array([calls for calls, _ in found], pa.list_(pa.int32()))
        phased = pa.array([phased for _, phased in found], pa.bool_())
        return pa.DictionaryArray.from_arrays(at, lists), pa.DictionaryArray.from_arrays(at, phased)


class Inheritances:
    """Origin, Mendelian error and mode of transmission, asked once per distinct trio."""

    def __init__(self, genotypes: Genotypes, people: Sequence[Person]) -> None:
        self._genotypes = genotypes
        self._people = people
        self._known: dict[tuple[int, ...], tuple[str, bool | None, str]] = {}

    def columns(  # noqa: PLR0913, PLR0917 - what decides
        self,
        person: Integers,
        region: Integers,
        alt_index: Integers,
        child: Integers,
        father: Integers,
        mother: Integers,
    ) -> dict[str, pa.Array]:
        """Return the three columns.

        Args:
            person: Index of the member of each row.
            region: Code of the region class.
            alt_index: Which ALT, from 1.
            child: Code of the member's genotype.
            father: Code of the father's genotype; whatever where he is not a member.
            mother: Code of the mother's genotype.
        """
        groups = group_rows(person, region, alt_index, child, father, mother)
        index = groups.index
        found = [self._inferred(values) for values in groups.values]
        origins, errors, modes = zip(*found, strict=True) if found else ((), (), ())
        return {
            "parental_origin": _dictionary(origins, index),
            "mendelian_error": pa.DictionaryArray.from_arrays(
                pa.array(index.astype(np.int32)), pa.array(errors, pa.bool_())
            ),
            "transmission_mode": _dictionary(modes, index),
        }

    def _inferred(self, values: tuple[int, ...]) -> tuple[str, bool | None, str]:
        known = self._known.get(values)
        if known is None:
            known = self._known[values] = self._infer(*values)
        return known

    def _infer(  # noqa: PLR0913, PLR0917 - what decides
        self, index: int, region: int, allele: int, child: int, father: int, mother: int
    ) -> tuple[str, bool | None, str]:
        person = self._people[index]
        calls = self._genotypes.calls
        inferred = infer(
            Trio(
                region=REGIONS[region],
                sex=person.member.sex,
                child=calls[child],
                father=None if person.father is None else calls[father],
                mother=None if person.mother is None else calls[mother],
                allele=allele,
                child_affected=person.member.affected,
                father_affected=self._affected(person.father),
                mother_affected=self._affected(person.mother),
            )
        )
        return inferred.parental_origin.value, inferred.mendelian_error, inferred.transmission_mode.value

    def _affected(self, person: int | None) -> Affected:
        return Affected.UNKNOWN if person is None else self._people[person].member.affected


def _dictionary(texts: Sequence[str], index: Integers) -> pa.DictionaryArray:
    """Return a dictionary array of texts that may repeat."""
    distinct = {text: code for code, text in enumerate(dict.fromkeys(texts))}
    codes = np.array([distinct[text] for text in texts], dtype=np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(codes[index]), pa.array(list(distinct), pa.string()))
