"""The sample columns: genotype, zygosity and read support of one sample for one allele.

Missing is None, never 0; 0 is 0, never None.

A sample may number its alleles among those of its own: LAA lists the ALTs that they are, LGT and LAD use the numbers of
that list. They become what GT and AD would say, where those are not there.

Source: VCF 4.3, section 1.6.2 (genotype fields); VCF 4.5, section 1.6.2 (LAA, LAD); Hail for LGT; FreeBayes' header for
AO, RO and DPR.
"""

import math
import re
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple, cast

from radiant.domain import call_quality
from radiant.domain.assembly import RegionClass
from radiant.domain.case import Sex
from radiant.domain.tables import FORMAT_KEYS
from radiant.domain.trio import MISSING
from radiant.vcf.findings import BrokenRuleError, Piece, shown
from radiant.vcf.header import reserved
from radiant.vcf.header.declarations import Header
from radiant.vcf.rules import alleles, values

LOW_DEPTH = 3
"""Fewer reads than this for the allele that a zygosity stands on make it unknown."""

_LONGEST_GT = 1000
_allele_number = re.compile(r"[0-9]{1,9}").fullmatch
_FORMAT_KEY = re.compile(r"[A-Za-z_][0-9A-Za-z_.]*").fullmatch
DEPTH_KEYS = ("AD", "LAD", "AO", "DPR")
"""Where reads per allele come from, the first that a sample has; AO with RO."""
LOCAL_ALLELES = "LAA"


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
    """GT as written, or LGT with the line's allele numbers; None when FORMAT has neither."""
    site: tuple[int, ...]
    """GT with the line's allele numbers: 0 REF, 1 the first ALT, -1 missing; (-1,) without GT."""
    dp: int | None
    gq: int | None
    """Rounded down where the file holds a decimal."""
    phase_set: str | None
    depths: tuple[int | None, ...] | None
    """Reads per allele of the line, reference first; None when the sample has none."""

    def depth(self, alt_index: int) -> AlleleDepth:
        """Return the reads for one ALT (1 for the first)."""
        if self.depths is None:
            return NO_DEPTH
        total = None
        if None not in self.depths:
            total = sum(cast("tuple[int, ...]", self.depths))
        return AlleleDepth(self.depths[0], self.depths[alt_index], total)

    @property
    def passes(self) -> bool:
        """Whether the genotype is good enough to judge a family by."""
        reads = self.dp
        if reads is None and self.depths is not None and None not in self.depths:
            reads = sum(cast("tuple[int, ...]", self.depths))
        return call_quality.passes(self.site, self.gq, reads, self.depths)


def zygosity(gt: str | None, alt_index: int, sex: Sex, region: RegionClass, depth: AlleleDepth = NO_DEPTH) -> Zygosity:
    """Return the zygosity of one allele.

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


@lru_cache(maxsize=65536)
def local_alleles(text: str, n_alts: int) -> tuple[int, ...]:
    """Read LAA: which ALTs of the line the local alleles 1, 2, ... of a sample are.

    Args:
        text: LAA as written; empty and `.` are no ALT.
        n_alts: How many ALTs the line has.

    Raises:
        BrokenRuleError: not a list of different ALT numbers.
    """
    if text in {"", "."}:
        return ()
    numbers = text.split(",")
    found = tuple(int(one) for one in numbers if _allele_number(one))
    if len(found) != len(numbers) or len(set(found)) != len(found) or not all(1 <= one <= n_alts for one in found):
        rule = "laa"
        message = f"FORMAT LAA={shown(text)} is not a list of different ALT numbers from 1 to {n_alts}"
        raise BrokenRuleError(rule, message)
    return found


@lru_cache(maxsize=65536)
def from_local(gt: str, local: tuple[int, ...]) -> str:
    """Return a genotype with the line's allele numbers: `0/1` with the local alleles (3,) is `0/3`.

    Args:
        gt: LGT as written.
        local: From `local_alleles`.

    Raises:
        BrokenRuleError: LGT is no genotype, or names an allele that LAA does not list.
    """
    alleles.calls(gt, 1)
    named = max(site_calls(gt))
    if named > len(local):
        rule = "lgt_without_laa"
        message = (
            f"FORMAT LGT={shown(gt)} names local allele {named}, but LAA lists {len(local)}: which ALT it is is not "
            "said. Write GT, or LAA beside LGT"
        )
        raise BrokenRuleError(rule, message)
    return re.sub(r"[0-9]+", lambda number: str((0, *local)[int(number[0])]), gt)


class FormatReader:
    """Reads sample columns under one FORMAT. GT may come after other keys, as MOLGENIS wrote it; VCF has it first."""

    def __init__(self, format_: str, header: Header) -> None:
        """Take FORMAT as written.

        Raises:
            BrokenRuleError: a key that is empty, repeated or no key.
        """
        self.keys = [] if format_ == "." else format_.split(":")
        for key in self.keys:
            if not _FORMAT_KEY(key):
                rule, message = "format_key", f"FORMAT {shown(format_)} has a key that is empty or has odd characters"
                raise BrokenRuleError(rule, message)
        if len(set(self.keys)) != len(self.keys):
            rule, message = "format_key_twice", f"FORMAT {shown(format_)} has a key twice"
            raise BrokenRuleError(rule, message)
        self.undeclared = tuple(key for key in self.keys if header.format_declaration(key) is None)
        read = FORMAT_KEYS - header.other_formats
        self.index = {key: index for index, key in enumerate(self.keys) if key in read}
        """Which field the keys are that columns show, or that those are made from."""
        self.depth_keys = tuple(key for key in DEPTH_KEYS if key in self.index)
        self._genotype_key = next((key for key in ("GT", "LGT") if key in self.index), None)
        self._local = self.index.get(LOCAL_ALLELES)
        self.others: list[tuple[int, str, reserved.Declaration]] = [
            (index, key, declaration)
            for index, key in enumerate(self.keys)
            if key not in self.index
            and (declaration := header.format_declaration(key)) is not None
            and declaration.type != "String"
        ]
        """Index, key and declaration of the fields to check that no column shows."""
        self.may_be_empty = frozenset(
            index
            for index, key in enumerate(self.keys)
            if key == LOCAL_ALLELES or ((one := header.format_declaration(key)) is not None and one.number == "LA")
        )
        """Fields that are a list of local ALTs, of which a sample may have none."""
        self._costs_the_line = frozenset(self.index[key] for key in ("GT", "LGT") if key in self.index)

    def read(self, text: str, n_alts: int) -> tuple[SampleCall, list[Piece]]:
        """Read one sample column.

        Returns:
            The call, and the pieces left out.

        Raises:
            BrokenRuleError: more fields than FORMAT, text where a number belongs, or a GT that is empty, is no genotype
                or names an ALT that the line does not have.
        """
        found = text.split(":")
        if len(found) > max(1, len(self.keys)) or (not self.keys and text != "."):
            number = len(self.keys)
            rule, message = "sample_fields", f"a sample has {len(found)} fields, FORMAT has {number}"
            raise BrokenRuleError(rule, message)
        pieces: list[Piece] = []
        if "" in found:
            self._check_empty(found, text, pieces)
        gt = self._genotype(found, n_alts)
        site = _NO_GT if gt is None else site_calls(gt)
        call = SampleCall(
            gt=gt,
            site=site,
            dp=self._integer(found, "DP", pieces),
            gq=_quality(self._single(found, "GQ", pieces)),
            phase_set=self._text(found, "PS"),
            depths=self._depths(found, n_alts, pieces),
        )
        size = len(found)
        for index, key, declaration in self.others:
            if index >= size or found[index] in {".", ""}:
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

    def _check_empty(self, found: list[str], text: str, pieces: list[Piece]) -> None:
        """Check the empty fields of a sample: a genotype costs the line, another field is missing.

        Raises:
            BrokenRuleError: the genotype is empty.
        """
        for index in (index for index, field in enumerate(found) if not field and index not in self.may_be_empty):
            if index in self._costs_the_line:
                rule, message = "sample_empty", f"a sample has an empty genotype: {shown(text)}; missing is written `.`"
                raise BrokenRuleError(rule, message)
            message = f"FORMAT {self.keys[index]} is empty; missing is written `.`"
            pieces.append(Piece("format_empty", message, text))

    def _genotype(self, found: list[str], n_alts: int) -> str | None:
        """Return GT, else LGT with the line's allele numbers; None when FORMAT has neither."""
        key = self._genotype_key
        if key is None:
            return None
        gt = self._text(found, key)
        if gt is None:
            return "."
        if len(gt) > _LONGEST_GT:
            rule, message = "gt_invalid", f"{key} {shown(gt)} is longer than any genotype"
            raise BrokenRuleError(rule, message)
        if key == "LGT":
            return from_local(gt, local_alleles(self._local_text(found), n_alts))
        alleles.calls(gt, 1, n_alts)
        return gt

    def _local_text(self, found: list[str]) -> str:
        return found[self._local] if self._local is not None and self._local < len(found) else ""

    def _text(self, found: list[str], key: str) -> str | None:
        index = self.index.get(key)
        if index is None or index >= len(found) or found[index] in {".", ""}:
            return None
        return found[index]

    def _single(self, found: list[str], key: str, pieces: list[Piece]) -> str | None:
        """Return the text of a key with one value; None where it holds several: which one holds is not certain."""
        text = self._text(found, key)
        if text is None or "," not in text:
            return text
        for one in text.split(","):
            values.floating(one, f"FORMAT {key}", negative=False)
        message = f"FORMAT {key}={shown(text)} has {text.count(',') + 1} values, 1 fits: the column is null"
        pieces.append(Piece("format_count", message, ":".join(found)))
        return None

    def _integer(self, found: list[str], key: str, pieces: list[Piece]) -> int | None:
        text = self._single(found, key, pieces)
        return None if text is None else values.integer(text, f"FORMAT {key}", negative=False)

    def _integers(self, found: list[str], key: str) -> tuple[int | None, ...] | None:
        text = self._text(found, key)
        if text is None:
            return None
        numbers = tuple(values.integers(text, f"FORMAT {key}"))
        return None if numbers.count(None) == len(numbers) else numbers

    def _depths(self, found: list[str], n_alts: int, pieces: list[Piece]) -> tuple[int | None, ...] | None:
        """Return the reads per allele: AD, else LAD, else RO and AO, else DPR."""
        for key in self.depth_keys:
            depths = self._integers(found, key)
            if depths is None:
                continue
            if key == "LAD":
                return self._from_local(found, depths, n_alts, pieces)
            if key == "AO":
                depths = (self._integer(found, "RO", pieces), *depths)
            if len(depths) == n_alts + 1:
                return depths
            message = (
                f"FORMAT {key} does not have one value per allele (the line has {n_alts} ALT): which value is whose is "
                "not certain, so the read counts are null"
            )
            pieces.append(Piece("format_count", message, ":".join(found)))
            return None
        return None

    def _from_local(
        self, found: list[str], depths: tuple[int | None, ...], n_alts: int, pieces: list[Piece]
    ) -> tuple[int | None, ...] | None:
        """Return LAD's reads per allele of the line; those of alleles that are not local are not known."""
        text = self._local_text(found)
        try:
            local = local_alleles(text, n_alts)
        except BrokenRuleError as error:
            pieces.append(Piece(f"format_{error.rule}", f"{error}: the read counts are null", ":".join(found)))
            return None
        if len(depths) != len(local) + 1:
            message = (
                f"FORMAT LAD does not have one value for REF and each of the {len(local)} ALT of LAA: which value is "
                "whose is not certain, so the read counts are null"
            )
            pieces.append(Piece("format_count", message, ":".join(found)))
            return None
        all_depths: list[int | None] = [None] * (n_alts + 1)
        for allele, depth in zip((0, *local), depths, strict=True):
            all_depths[allele] = depth
        return tuple(all_depths)


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
