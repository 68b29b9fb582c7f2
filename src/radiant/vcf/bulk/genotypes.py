"""Rules about genotypes, evaluated once per distinct genotype.

A file has a few hundred distinct GT texts. Each gets a code; what a rule says about a code is looked up. The rules
themselves are the plain functions of `vcf.genotypes`, `vcf.alleles` and `domain.inheritance`.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from radiant.domain.assembly import RegionClass
from radiant.domain.case import Affected, Sex
from radiant.domain.inheritance import infer
from radiant.domain.trio import MISSING, Trio
from radiant.vcf import alleles
from radiant.vcf.alleles import AlleleError
from radiant.vcf.bulk.slices import Integers, encoded
from radiant.vcf.genotypes import Zygosity, site_calls, zygosity
from radiant.vcf.people import Person

MOST_GENOTYPES = 4000
"""Distinct GT texts beyond these are read line by line."""
CODE_BITS = 12
"""Enough for a code."""
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
        """Know two: no GT at all, and a missing one."""
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
        except AlleleError:
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

    def carried(self, codes: Integers, alt_index: Integers) -> NDArray[np.bool_]:
        """Tell which genotypes have an allele."""
        return look_up(codes << CODE_BITS | alt_index, self._carries, np.bool_)

    def _carries(self, key: int) -> bool:
        return key & ((1 << CODE_BITS) - 1) in self.calls[key >> CODE_BITS]


def look_up(keys: Integers, rule: Callable[[int], Any], dtype: Any) -> NDArray[Any]:
    """Return what a rule says about each key, asking it once per distinct one."""
    codes, distinct = encoded(pa.array(keys))
    return np.array([rule(key) for key in distinct], dtype=dtype)[codes]


class Zygosities:
    """Calls, phase and zygosity of a genotype for one of its alleles."""

    def __init__(self, genotypes: Genotypes) -> None:
        self._genotypes = genotypes

    def called(self, codes: Integers, alt_index: Integers, hemizygous: NDArray[np.bool_]) -> NDArray[np.int8]:
        """Return the code of the zygosity before the low-depth rule."""
        keys = (codes << CODE_BITS | alt_index) << 1 | hemizygous
        return look_up(keys, self._zygosity, np.int8)

    def _zygosity(self, key: int) -> int:
        text = self._genotypes.texts[key >> (CODE_BITS + 1)]
        alt_index = (key >> 1) & ((1 << CODE_BITS) - 1)
        region = RegionClass.X if key & 1 else RegionClass.AUTOSOME
        return _ZYGOSITY_CODES[zygosity(text, alt_index, Sex.MALE, region)]

    def calls(
        self, codes: Integers, alt_index: Integers, null: NDArray[np.bool_] | None
    ) -> tuple[pa.DictionaryArray, pa.DictionaryArray]:
        """Return the calls as this ALT sees them, and whether each genotype is phased."""
        index, distinct = encoded(pa.array(codes << CODE_BITS | alt_index))
        found = [
            alleles.calls(self._genotypes.texts[key >> CODE_BITS] or ".", key & ((1 << CODE_BITS) - 1))
            for key in distinct
        ]
        at = pa.array(index.astype(np.int32), mask=null)
        lists = pa.array([calls for calls, _ in found], pa.list_(pa.int32()))
        phased = pa.array([phased for _, phased in found], pa.bool_())
        return pa.DictionaryArray.from_arrays(at, lists), pa.DictionaryArray.from_arrays(at, phased)


class Inheritances:
    """Origin, Mendelian error and mode of transmission, asked once per distinct trio."""

    def __init__(self, genotypes: Genotypes, people: Sequence[Person]) -> None:
        self._genotypes = genotypes
        self._people = people
        self._known: dict[tuple[int, int], tuple[str, bool | None, str]] = {}

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
        who = (person << CODE_BITS | alt_index) * len(REGIONS) + region
        trio = (child << CODE_BITS | father) << CODE_BITS | mother
        # Two numbers of a row, made one by the code of the first.
        first, kinds = encoded(pa.array(who))
        index, distinct = encoded(pa.array(trio * len(kinds) + first))
        found = [self._inferred(kinds[key % len(kinds)], key // len(kinds)) for key in distinct]
        origins, errors, modes = zip(*found, strict=True) if found else ((), (), ())
        return {
            "parental_origin": _dictionary(origins, index),
            "mendelian_error": pa.DictionaryArray.from_arrays(
                pa.array(index.astype(np.int32)), pa.array(errors, pa.bool_())
            ),
            "transmission_mode": _dictionary(modes, index),
        }

    def _inferred(self, who: int, trio: int) -> tuple[str, bool | None, str]:
        known = self._known.get((who, trio))
        if known is None:
            known = self._known[who, trio] = self._infer(who, trio)
        return known

    def _infer(self, who: int, trio: int) -> tuple[str, bool | None, str]:
        mask = (1 << CODE_BITS) - 1
        rest, region = divmod(who, len(REGIONS))
        person = self._people[rest >> CODE_BITS]
        calls = self._genotypes.calls
        inferred = infer(
            Trio(
                region=REGIONS[region],
                sex=person.member.sex,
                child=calls[trio >> (2 * CODE_BITS)],
                father=None if person.father is None else calls[(trio >> CODE_BITS) & mask],
                mother=None if person.mother is None else calls[trio & mask],
                allele=rest & mask,
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
