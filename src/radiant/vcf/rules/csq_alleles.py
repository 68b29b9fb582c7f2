"""Which ALT of its record a consequence entry is about.

VEP does not name an allele as ALT does: it drops the first base where REF and all ALTs share it, and with `--minimal`
whatever each ALT shares with REF. SnpEff writes ALT. A file that was split or left-aligned after its annotation holds
entries whose names fit none of that, and entries about ALTs that are on another line now. To give those to the wrong
ALT would be worse than to set them aside.

`bcftools csq` names position, REF and ALT (`100A>G`, of several lines `100A>G+102C>T`), or nothing where the effect is
that of the place (introns, UTRs, splice sites): such an entry is about every ALT of its line, as it is for
`bcftools norm -m-`, which gives it to each of the lines it makes of one.

Source: `Bio::EnsEMBL::VEP::Parser::VCF`; `Bio::EnsEMBL::Variation::Utils::Sequence`, `trim_sequences`; VEP
documentation, options `--allele_number` and `--minimal`.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from radiant.vcf.rules.alleles import Allele, Skip, trim

_BASES = re.compile(r"[ACGTN]+|-|\*")
_SHORTER = frozenset({"deletion"})
_LONGER = frozenset({"insertion", "duplication", "tandem_duplication"})
"""VEP's words for a structural variant, by what ALT is compared with REF."""
_BASES_COMPARED = re.compile(r"[ACGTN]+(?:-[ACGTN]+)?|-|\*")


def match(
    names: Sequence[str], numbers: Sequence[str], alleles: Sequence[Allele], *, snpeff: bool = False
) -> tuple[list[int | None], list[bool]]:
    """Find the ALT of each entry of a record.

    ALLELE_NUM decides, unless the Allele beside it cannot be a spelling of that ALT. Otherwise the Allele decides, in
    the one way of spelling that explains the most entries of the record. An entry that is left goes to the record's
    only ALT when it names none, or when all entries are left with one and the same name that could be a spelling of it.

    Args:
        names: `Allele` of each entry, empty where it does not say.
        numbers: `ALLELE_NUM` of each entry, empty where it does not say.
        alleles: All alleles of the record, those without a row included.
        snpeff: Whether entries name ALT as written.

    Returns:
        Per entry: its `alt_index`, None where it is not certain; and whether it went to the only ALT by assumption.
    """
    pairs = list(zip(names, numbers, strict=True))
    texts = tuple(AlleleText(one.alt_index, one.source_reference, one.source_alternate, one.skip) for one in alleles)
    known = _matches(tuple(dict.fromkeys(pairs)), texts, snpeff)
    matches = [known[pair] for pair in pairs]
    return [index for index, _ in matches], [assumed for _, assumed in matches]


class AlleleText(NamedTuple):
    """An ALT of a record as written, wherever it is; see `alleles.Allele`.

    An annotator spells it so: with a reference FASTA, the bases of an indel that was moved can be others.
    """

    alt_index: int
    source_reference: str
    source_alternate: str
    skip: Skip | None


@lru_cache(maxsize=4096)
def _matches(
    pairs: tuple[tuple[str, str], ...],
    alleles: tuple[AlleleText, ...],
    snpeff: bool,  # noqa: FBT001 - of the cache
) -> Mapping[tuple[str, str], tuple[int | None, bool]]:
    """Return the ALT of each pair of `Allele` and `ALLELE_NUM` of a record, and whether it is assumed."""
    names = [name for name, _ in pairs]
    found, assumed = _match_pairs(names, [number for _, number in pairs], alleles, snpeff=snpeff)
    return dict(zip(pairs, zip(found, assumed, strict=True), strict=True))


def _match_pairs(
    names: Sequence[str], numbers: Sequence[str], alleles: Sequence[AlleleText], *, snpeff: bool
) -> tuple[list[int | None], list[bool]]:
    names = [name.upper() if _BASES_COMPARED.fullmatch(name.upper()) else name for name in names]
    found = _by_number(names, numbers, alleles)
    unnumbered = {names[i] for i, index in enumerate(found) if index is None and names[i]}
    if unnumbered:
        spelling = _spelling_of(unnumbered, alleles, snpeff=snpeff)
        found = [spelling.get(name) if index is None else index for name, index in zip(names, found, strict=True)]
        found = _structural(names, found, alleles)
    left = [i for i, index in enumerate(found) if index is None]
    only = _only_alt(alleles)
    assumed = [False] * len(found)
    if only is None or not left:
        return found, assumed
    strangers = {names[i] for i in left if names[i]}
    one_name = len(strangers) == 1 and all(index is None for index in found)
    for i in left:
        if not names[i] or (one_name and could_be(names[i], only)):
            found[i] = only.alt_index
            assumed[i] = only.skip is None
    return found, assumed


def match_changes(
    changes: Sequence[str], position: int, alleles: Sequence[Allele]
) -> tuple[list[tuple[int, ...]], list[bool]]:
    """Find the ALTs of each entry of `bcftools csq`.

    Args:
        changes: `dna_change` of each entry, empty where it says nothing.
        position: POS of the record.
        alleles: All alleles of the record, those without a row included.

    Returns:
        Per entry: the `alt_index` of each ALT that it is about, none where no ALT of the record fits; and whether it
        names none, so that every ALT with a row is assumed.
    """
    stored = [allele for allele in alleles if allele.skip is None]
    by_change = {
        trim(position, one.source_reference.upper(), one.source_alternate.upper()): one.alt_index for one in stored
    }
    every = tuple(allele.alt_index for allele in stored)
    found: list[tuple[int, ...]] = []
    for change in changes:
        parts = (_CHANGE.fullmatch(part) for part in change.upper().split("+"))
        alts = (by_change.get(trim(int(part[1]), part[2], part[3])) for part in parts if part is not None)
        found.append(tuple(alt for alt in alts if alt is not None)[:1] if change else every)
    return found, [not change for change in changes]


_CHANGE = re.compile(r"(\d{1,18})([ACGTN]+)>([ACGTN]+)", re.ASCII)


def could_be(name: str, allele: Allele | AlleleText) -> bool:
    """Whether a tool can have spelt an ALT so.

    Whatever a tool trims, or leaves of the bases around, and however far it shifts an indel: the bases that ALT has and
    REF has not are among those of the name. So `-` can only be a deletion. VEP names the only ALT of a line with SVTYPE
    by what it is, even if it is a sequence (Manta's indels of 50 bases and more): the word has to fit the lengths.
    """
    if allele.skip is not None:
        return True
    if not _BASES.fullmatch(name):
        longer = len(allele.source_alternate) - len(allele.source_reference)
        return (longer < 0 and name in _SHORTER) or (longer > 0 and name in _LONGER)
    added = Counter(_minimal(allele))
    return added <= Counter(name)


def _numbers(alleles: Sequence[AlleleText]) -> Mapping[str, AlleleText]:
    return {str(allele.alt_index): allele for allele in alleles}


def _by_number(names: Sequence[str], numbers: Sequence[str], alleles: Sequence[AlleleText]) -> list[int | None]:
    if not any(numbers):
        return [None] * len(names)
    by_number = _numbers(alleles)
    found: list[int | None] = []
    for name, number in zip(names, numbers, strict=True):
        allele = by_number.get(number)
        fits = allele is not None and (not name or could_be(name, allele))
        found.append(allele.alt_index if allele is not None and fits else None)
    return found


def _structural(names: Sequence[str], found: list[int | None], alleles: Sequence[AlleleText]) -> list[int | None]:
    """VEP names a symbolic ALT by what it is (`deletion`, `duplication`): no bases, so no other ALT is meant."""
    symbolic = next((a.alt_index for a in alleles if a.skip in {Skip.SYMBOLIC, Skip.BREAKEND}), None)
    return [
        symbolic if index is None and name and not _BASES.fullmatch(name) else index
        for name, index in zip(names, found, strict=True)
    ]


def _only_alt(alleles: Sequence[AlleleText]) -> AlleleText | None:
    seen = [allele for allele in alleles if allele.skip is not Skip.REFERENCE_BLOCK]
    return seen[0] if len(seen) == 1 else None


# --- Ways of spelling -------------------------------------------------------------------------------------------------


def _spelling_of(names: set[str], alleles: Sequence[AlleleText], *, snpeff: bool) -> Mapping[str, int]:
    best: Mapping[str, int] = {}
    for way in _SNPEFF_WAYS if snpeff else _VEP_WAYS:
        spelling = way(alleles)
        if names <= spelling.keys():
            return spelling
        if len(names & spelling.keys()) > len(names & best.keys()):
            best = spelling
    return best


def _snpeff(alleles: Sequence[AlleleText]) -> Mapping[str, int]:
    """ALT as written, and `ALT-OTHER`: a tumour's ALT as a change of the germline's ALT (SnpEff -cancer)."""
    literal = _literal(alleles)
    compared = {f"{alt}-{other}": literal[alt] for alt in literal for other in literal if alt != other}
    return {**compared, **literal}


def _literal(alleles: Sequence[AlleleText]) -> Mapping[str, int]:
    """ALT as written."""
    return {_written(allele): allele.alt_index for allele in alleles}


def _vep(alleles: Sequence[AlleleText]) -> Mapping[str, int]:
    """VEP: if any ALT differs from REF in length, the first base goes where REF and all ALTs but `*` share it."""
    if not alleles:
        return {}
    ref = alleles[0].source_reference.upper()
    alts = [_written(allele) for allele in alleles]
    first = {text[0] for text in (ref, *alts) if "*" not in text}
    if len(first) != 1 or all(len(alt) == len(ref) for alt in alts):
        return _literal(alleles)
    return {alt if "*" in alt else alt[1:] or "-": allele.alt_index for alt, allele in zip(alts, alleles, strict=True)}


def _vep_of_sequences(alleles: Sequence[AlleleText]) -> Mapping[str, int]:
    """The same where VEP did not see the ALTs without a sequence (`<NON_REF>`, `*`)."""
    skipped = [allele for allele in alleles if allele.skip is not None]
    return {**_literal(skipped), **_vep([allele for allele in alleles if allele.skip is None])}


def _vep_minimal(alleles: Sequence[AlleleText]) -> Mapping[str, int]:
    """VEP --minimal: each ALT alone, without any base it shares with REF at its ends; ambiguous ones left out."""
    spelled = [(_written(a) if a.skip is not None else _minimal(a) or "-", a.alt_index) for a in alleles]
    counts = Counter(name for name, _ in spelled)
    return {name: alt_index for name, alt_index in spelled if counts[name] == 1}


_VEP_WAYS: tuple[Callable[[Sequence[AlleleText]], Mapping[str, int]], ...] = (
    _vep,
    _vep_of_sequences,
    _vep_minimal,
    _literal,
)
_SNPEFF_WAYS: tuple[Callable[[Sequence[AlleleText]], Mapping[str, int]], ...] = (_literal, _snpeff)


def _written(allele: AlleleText) -> str:
    return allele.source_alternate.upper() if allele.skip is None else allele.source_alternate


def _minimal(allele: Allele | AlleleText) -> str:
    """ALT without any base it shares with REF, at the start first and then at the end, down to nothing."""
    ref, alt = allele.source_reference.upper(), allele.source_alternate.upper()
    start = _shared(ref, alt)
    ref, alt = ref[start:], alt[start:]
    return alt[: len(alt) - _shared(ref[::-1], alt[::-1])]


def _shared(one: str, other: str) -> int:
    """How many bases two sequences share at their start."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (base, another) in pairs if base != another), min(len(one), len(other)))
