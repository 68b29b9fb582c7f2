"""The sample columns: genotype, zygosity and read support of one sample for one allele.

Missing is None, never 0; 0 is 0, never None.

Source: VCF 4.3, section 1.6.2 (genotype fields); FreeBayes' header for AO, RO and DPR.
"""

import math
import re
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple, cast

from radiant.domain.assembly import RegionClass
from radiant.domain.case import Sex
from radiant.domain.trio import MISSING
from radiant.vcf import alleles, reserved, values
from radiant.vcf.findings import BrokenRuleError, Piece, shown
from radiant.vcf.header import Header

LOW_DEPTH = 3
"""Fewer reads than this for the allele that a zygosity stands on make it unknown."""

_LONGEST_GT = 1000
_FORMAT_KEY = re.compile(r"[A-Za-z_][0-9A-Za-z_.]*").fullmatch
READ_KEYS = frozenset({"GT", "DP", "GQ", "PS", "AD", "AO", "RO", "DPR"})


class Zygosity(StrEnum):
    """What a genotype is with regard to one allele."""

    WT = "WT"
    """All calls are known and none is the allele."""
    HET = "HET"
    """Some calls are the allele."""
    HOM = "HOM"
    """All calls are the allele."""
    HEM = "HEM"
    """The only call is the allele, or a male carries it outside the PAR of X or Y."""
    UNK = "UNK"
    """A call is missing, or too few reads support the allele the zygosity stands on."""


class AlleleDepth(NamedTuple):
    """Reads that support one allele of one sample."""

    ref: int | None
    alt: int | None
    total: int | None
    """Over all alleles of the line; None when one of them is missing."""

    @property
    def ratio(self) -> float | None:
        """`alt / total`; None when the total is 0 or either is missing."""
        return self.alt / self.total if self.alt is not None and self.total else None


NO_DEPTH = AlleleDepth(None, None, None)
_NO_GT = (MISSING,)


class SampleCall(NamedTuple):
    """One sample column of one line."""

    gt: str | None
    """GT as written; None when FORMAT has no GT."""
    site: tuple[int, ...]
    """GT with the line's allele numbers: 0 REF, 1 the first ALT, -1 missing; (-1,) without GT."""
    dp: int | None
    gq: int | None
    """Rounded down where the file holds a decimal."""
    phase_set: str | None
    depths: tuple[int | None, ...] | None
    """Reads per allele of the line, reference first; None when the sample does not tell."""

    def depth(self, alt_index: int) -> AlleleDepth:
        """Return the reads for one ALT (1 for the first)."""
        if self.depths is None:
            return NO_DEPTH
        total = None
        if None not in self.depths:
            total = sum(cast("tuple[int, ...]", self.depths))
        return AlleleDepth(self.depths[0], self.depths[alt_index], total)


def zygosity(gt: str | None, alt_index: int, sex: Sex, region: RegionClass, depth: AlleleDepth = NO_DEPTH) -> Zygosity:
    """Tell the zygosity of one allele.

    Another ALT of the line is known not to be this one: `1/2` is HET for both, although `calls` shows the other as -1.

    Args:
        gt: GT as written, valid; None when there is none.
        alt_index: Which ALT, from 1.
        sex: Stated sex; unknown is treated as two copies.
        region: Where the allele is.
        depth: Reads of this sample for this allele; the low-depth rule makes HET, HOM and HEM with fewer than 3 reads
            for the allele unknown, and WT with fewer than 3 for the reference. 0 is fewer than 3, missing is not.
    """
    called = _zygosity(gt, alt_index, sex is Sex.MALE and region in {RegionClass.X, RegionClass.Y})
    if called is Zygosity.UNK:
        return called
    support = depth.ref if called is Zygosity.WT else depth.alt
    return Zygosity.UNK if support is not None and support < LOW_DEPTH else called


@lru_cache(maxsize=65536)
def _zygosity(gt: str | None, alt_index: int, hemizygous: bool) -> Zygosity:  # noqa: FBT001 - cached by position
    if gt is None:
        return Zygosity.UNK
    called = site_calls(gt)
    if MISSING in called:
        return Zygosity.UNK
    carried = called.count(alt_index)
    if carried == 0:
        return Zygosity.WT
    if len(called) == 1 or hemizygous:
        return Zygosity.HEM
    return Zygosity.HOM if carried == len(called) else Zygosity.HET


@lru_cache(maxsize=65536)
def site_calls(gt: str) -> tuple[int, ...]:
    """Return the allele numbers of a valid GT as the line numbers them: 0 REF, 1 the first ALT, -1 missing."""
    return tuple(MISSING if one == "." else int(one) for one in re.split(r"[|/]", gt.lstrip("|/")))


class FormatReader:
    """Reads sample columns under one FORMAT."""

    def __init__(self, format_: str, header: Header) -> None:
        """Take FORMAT as written.

        Raises:
            BrokenRuleError: an empty, odd or repeated key, or a GT that is not first.
        """
        self.keys = format_.split(":")
        for key in self.keys:
            if not _FORMAT_KEY(key):
                rule, message = "format_key", f"FORMAT {shown(format_)} has a key that is empty or has odd characters"
                raise BrokenRuleError(rule, message)
        if len(set(self.keys)) != len(self.keys):
            rule, message = "format_key_twice", f"FORMAT {shown(format_)} has a key twice"
            raise BrokenRuleError(rule, message)
        if "GT" in self.keys[1:]:
            rule, message = "format_gt_first", f"FORMAT {shown(format_)} has GT, but not first"
            raise BrokenRuleError(rule, message)
        self.undeclared = tuple(key for key in self.keys if header.format_declaration(key) is None)
        self._index = {key: index for index, key in enumerate(self.keys) if key in READ_KEYS}
        self._others: list[tuple[int, str, reserved.Declaration]] = [
            (index, key, declaration)
            for index, key in enumerate(self.keys)
            if key not in READ_KEYS
            and (declaration := header.format_declaration(key)) is not None
            and declaration.type != "String"
        ]

    def read(self, text: str, n_alts: int) -> tuple[SampleCall, list[Piece]]:
        """Read one sample column.

        Returns:
            The call, and the pieces left out.

        Raises:
            BrokenRuleError: more fields than FORMAT, an empty one, or text where a number belongs.
            AlleleError: GT is no genotype, or names an ALT that the line does not have.
        """
        found = text.split(":")
        if len(found) > len(self.keys):
            rule, message = "sample_fields", f"a sample has {len(found)} fields, FORMAT has {len(self.keys)}"
            raise BrokenRuleError(rule, message)
        if "" in found:
            rule, message = "sample_empty", f"a sample has an empty field: {shown(text)}; missing is written `.`"
            raise BrokenRuleError(rule, message)
        pieces: list[Piece] = []
        gt = self._text(found, "GT")
        if gt is not None:
            if len(gt) > _LONGEST_GT:
                rule, message = "gt_invalid", f"GT {shown(gt)} is longer than any genotype"
                raise BrokenRuleError(rule, message)
            alleles.calls(gt, 1, n_alts)
        elif "GT" in self._index:
            gt = "."
        site = _NO_GT if gt is None else site_calls(gt)
        call = SampleCall(
            gt=gt,
            site=site,
            dp=self._integer(found, "DP"),
            gq=_quality(self._text(found, "GQ")),
            phase_set=self._text(found, "PS"),
            depths=self._depths(found, n_alts, pieces),
        )
        for index, key, declaration in self._others:
            if index >= len(found) or found[index] == ".":
                continue
            try:
                values.check_declared(
                    key,
                    found[index],
                    declaration,
                    n_alts,
                    None if site == _NO_GT else len(site),
                    negative=key not in reserved.NOT_NEGATIVE,
                )
            except BrokenRuleError as error:
                pieces.append(Piece(f"format_{error.rule}", f"FORMAT {error}", text))
        return call, pieces

    def _text(self, found: list[str], key: str) -> str | None:
        index = self._index.get(key)
        if index is None or index >= len(found) or found[index] == ".":
            return None
        return found[index]

    def _integer(self, found: list[str], key: str) -> int | None:
        text = self._text(found, key)
        return None if text is None else values.integer(text, f"FORMAT {key}", negative=False)

    def _integers(self, found: list[str], key: str) -> tuple[int | None, ...] | None:
        text = self._text(found, key)
        if text is None:
            return None
        name = f"FORMAT {key}"
        numbers = tuple([values.integer(one, name, negative=False) for one in text.split(",")])
        return None if numbers.count(None) == len(numbers) else numbers

    def _depths(self, found: list[str], n_alts: int, pieces: list[Piece]) -> tuple[int | None, ...] | None:
        """Return the reads per allele: AD, else RO and AO, else DPR."""
        depths, source = self._integers(found, "AD"), "AD"
        if depths is None:
            alts, source = self._integers(found, "AO"), "AO"
            if alts is not None:
                depths = (self._integer(found, "RO"), *alts)
        if depths is None:
            depths, source = self._integers(found, "DPR"), "DPR"
        if depths is not None and len(depths) != n_alts + 1:
            message = (
                f"FORMAT {source} does not have one value per allele (the line has {n_alts} ALT): nobody knows which "
                "value is whose, so the read counts are null"
            )
            pieces.append(Piece("format_count", message, ":".join(found)))
            return None
        return depths


def _quality(text: str | None) -> int | None:
    if text is None:
        return None
    if text.isdecimal():
        return values.integer(text, "FORMAT GQ")
    value = values.floating(text, "FORMAT GQ", negative=False)
    if value is None:
        return None
    if math.isinf(value) or value > values.INT_MAX:
        rule, message = "integer_range", f"FORMAT GQ={shown(text)} is too large"
        raise BrokenRuleError(rule, message)
    return math.floor(value)
