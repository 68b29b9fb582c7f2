"""Which lines of a chunk are plain, and everything that is known of them.

A plain line is one that `vcf.line` would keep, split or skip without a finding, and that is written as nearly all lines
are. Every step below clears `ok` where it is not sure.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from radiant.domain.assembly import Assembly, region_class
from radiant.vcf import record
from radiant.vcf.alleles import Skip
from radiant.vcf.bulk import alleles, numbers
from radiant.vcf.bulk.alleles import SKIPS, STORED, LineAlts, Trimmed
from radiant.vcf.bulk.chunks import Chunk
from radiant.vcf.bulk.entries import Entries, read_entries
from radiant.vcf.bulk.genotypes import REGION_CODES, Genotypes
from radiant.vcf.bulk.info import Info, read_info
from radiant.vcf.bulk.samples import Formats, SampleReader, Samples
from radiant.vcf.bulk.slices import Integers, Mask, Slices, encoded
from radiant.vcf.csq_fields import Annotator, ConsequenceFormat
from radiant.vcf.findings import BrokenRuleError
from radiant.vcf.header import Header
from radiant.vcf.info_map import InfoPlan
from radiant.vcf.people import Person

_CHROM, _POS, _ID, _REF, _ALT, _QUAL, _FILTER, _INFO, _FORMAT = range(9)
_OTHER = -1
"""Place of a contig outside the primary set, or of a line that says no place."""


@dataclass(frozen=True, eq=False)
class Places:
    """Where the lines of a chunk are."""

    contig: Integers
    """Code of CHROM, -1 where the line is not read so far."""
    names: list[str]
    """CHROM by code."""
    chromosomes: list[str | None]
    """Canonical name by code; None outside the primary set."""
    pos: Integers
    ok: Mask
    """Lines that can be plain."""

    @property
    def primary(self) -> Mask:
        """Lines on a primary chromosome: those that must be in order."""
        known = np.array([*(name is not None for name in self.chromosomes), False], dtype=np.bool_)
        return known[self.contig]

    def stretches(self, lines: Integers) -> list[tuple[str, int, int]] | None:
        """Return contig, first and last position of each stretch of some lines, None when one is not in order."""
        contig, pos = self.contig[lines], self.pos[lines]
        if not len(lines):
            return []
        change = np.diff(contig) != 0
        if (~change & (np.diff(pos) < 0)).any():
            return None
        first = np.concatenate(([0], np.flatnonzero(change) + 1))
        last = np.append(first[1:], len(lines)) - 1
        return [
            (self.names[code], low, high)
            for code, low, high in zip(contig[first].tolist(), pos[first].tolist(), pos[last].tolist(), strict=True)
        ]


def find_places(chunk: Chunk, header: Header, spelling: dict[str, str]) -> Places:
    """Read CHROM and POS of every line.

    Args:
        chunk: The lines.
        header: What is declared.
        spelling: The contig of each chromosome before; those of the chunk are added, see `record.check_spelling`.
    """
    lines = len(chunk)
    contig = np.full(lines, _OTHER, dtype=np.int64)
    pos = np.zeros(lines, dtype=np.int64)
    ok = chunk.regular.copy()
    regular = np.flatnonzero(chunk.regular)
    codes, names = encoded(chunk.column(_CHROM, regular).strings())
    found, sure = numbers.whole_numbers(chunk.column(_POS, regular))
    contig[regular], pos[regular] = codes, found
    contig[regular[~sure]] = _OTHER
    ok[regular[~sure]] = False
    places = Places(contig, names, [], pos, ok)
    for code, name in enumerate(names):
        try:
            places.chromosomes.append(record.check_contig(name, name in header.contigs))
        except BrokenRuleError:
            places.chromosomes.append(None)
            ok[contig == code] = False
    for line in np.flatnonzero(~ok & (contig == _OTHER)).tolist():
        _place_alone(chunk, header, line, places)
    _check_spelling(places, spelling)
    return places


def _check_spelling(places: Places, spelling: dict[str, str]) -> None:
    """Leave lines on a second contig of a chromosome to be read alone."""
    lines = np.bincount(places.contig + 1, minlength=len(places.names) + 1)[1:]
    codes: dict[str, list[int]] = {}
    for code in np.flatnonzero(lines).tolist():
        chromosome = places.chromosomes[code]
        if chromosome is not None:
            codes.setdefault(chromosome, []).append(code)
    for chromosome, found in codes.items():
        first = found[0] if len(found) == 1 else min(found, key=lambda code: int(np.argmax(places.contig == code)))
        own = spelling.setdefault(chromosome, places.names[first])
        for code in found:
            if places.names[code] != own:
                other = places.contig == code
                places.ok[other] = False
                places.contig[other] = _OTHER


def _place_alone(chunk: Chunk, header: Header, line: int, places: Places) -> None:
    """Find the place of one odd line; it stays where it is not on a primary chromosome, or breaks a rule before."""
    try:
        columns = record.split_columns(chunk.raw(line).decode(), header.columns)
        chromosome = record.check_contig(columns[_CHROM], columns[_CHROM] in header.contigs)
        pos = record.position(columns[_POS])
    except (BrokenRuleError, UnicodeDecodeError):
        return
    if chromosome is None:
        return
    if columns[_CHROM] not in places.names:
        places.names.append(columns[_CHROM])
        places.chromosomes.append(chromosome)
    places.contig[line] = places.names.index(columns[_CHROM])
    places.pos[line] = pos


@dataclass(frozen=True, eq=False)
class Skipped:
    """Plain lines that are skipped."""

    lines: Integers
    reason: str


@dataclass(frozen=True, eq=False)
class Kept:
    """Plain lines that are kept or split. Arrays have one value per line unless said otherwise."""

    lines: Integers
    """Index in the chunk."""
    contig: Integers
    """Code among `Places.names`."""
    pos: Integers
    region: Integers
    """Code of the region class."""
    id_: Slices
    alt: Slices
    """All ALTs as written."""
    quality: NDArray[np.float64]
    filter_: Integers
    """Code among `filters`."""
    filters: list[list[str] | None]
    filter_texts: list[str]
    alts: LineAlts
    info: Info
    samples: Sequence[Samples]
    formats: Formats | None
    entries: Entries | None
    refers: int | None
    """Which field of an entry may say that its effect is written at another position; None for none."""
    stored: Integers
    """Indexes of the ALTs (`alts.alts`) that are sequences."""
    trimmed: Trimmed
    """Of the stored ALTs."""
    ok: Mask


@dataclass(slots=True)
class ReadLines:
    """What a chunk's lines are."""

    places: Places
    skipped: list[Skipped] = field(default_factory=list[Skipped])
    kept: Kept | None = None


class PlainReader:
    """Finds and reads the plain lines of one file's chunks."""

    def __init__(  # noqa: PLR0913, PLR0917 - what every chunk needs
        self,
        header: Header,
        people: Sequence[Person],
        assembly: Assembly,
        format_: ConsequenceFormat | None,
        spelling: dict[str, str],
        info_plan: InfoPlan,
    ) -> None:
        self._header = header
        self._people = people
        self._assembly = assembly
        self._format = format_
        self._spelling = spelling
        self._info_plan = info_plan
        self.genotypes = Genotypes()
        self._samples = SampleReader(header, self.genotypes)

    def read(self, chunk: Chunk) -> ReadLines:
        """Read a chunk."""
        places = find_places(chunk, self._header, self._spelling)
        result = ReadLines(places)
        primary = places.primary
        self._skip(result, np.flatnonzero(places.ok & ~primary), "contig")
        self._skip(result, np.flatnonzero(places.ok & primary & (places.pos == 0)), "telomere")
        lines = np.flatnonzero(places.ok & primary & (places.pos > 0))
        alt = chunk.column(_ALT, lines)
        alts = alleles.read_alts(chunk.column(_REF, lines), alt)
        sequence = np.zeros(len(lines), dtype=np.bool_)
        sequence[alts.line[alts.skip == STORED]] = True
        sequence &= ~alts.none
        starred = np.zeros(len(lines), dtype=np.bool_)
        starred[alts.line[alts.skip == SKIPS.index(Skip.SPANNING_DELETION)]] = True
        self._skip(result, lines[alts.ok & ~sequence & starred], Skip.SPANNING_DELETION.value)
        self._skip(result, lines[alts.ok & ~sequence & ~starred], Skip.REFERENCE_BLOCK.value)
        wanted = alts.ok & sequence
        if wanted.any():
            if not wanted.all():
                lines = lines[wanted]
                alt = chunk.column(_ALT, lines)
                alts = alleles.read_alts(chunk.column(_REF, lines), alt)
            result.kept = self._keep(chunk, places, lines, alt, alts)
        return result

    @staticmethod
    def _skip(result: ReadLines, lines: Integers, reason: str) -> None:
        if len(lines):
            result.skipped.append(Skipped(lines, reason))

    def _keep(self, chunk: Chunk, places: Places, lines: Integers, alt: Slices, alts: LineAlts) -> Kept:
        contig, pos = places.contig[lines], places.pos[lines]
        ok = np.ones(len(lines), dtype=np.bool_)
        lengths = np.array(
            [0 if name is None else self._assembly.lengths[name] for name in places.chromosomes], dtype=np.int64
        )
        ok &= pos + alts.ref.length - 1 <= lengths[contig]
        id_ = chunk.column(_ID, lines).compact()  # what is looked for in it is looked for in little text
        ok &= _plain_ids(id_)
        quality, sure = numbers.floats(chunk.column(_QUAL, lines), negative=False)
        ok &= sure
        filter_, texts = encoded(chunk.column(_FILTER, lines).strings())
        filters = [_filters(text) for text in texts]
        ok &= np.array([one is not None for one in filters], dtype=np.bool_)[filter_]
        tag = None if self._format is None else self._format.tag
        info = read_info(chunk.column(_INFO, lines), alts.count, self._header, tag, self._info_plan)
        ok &= info.ok
        samples, formats = self._read_samples(chunk, lines, alts, ok)
        entries = None
        if self._format is not None:
            entries, sure = read_entries(info.entries, alts, pos, self._format)
            ok &= sure
        stored = np.flatnonzero(alts.skip == STORED)
        of = alts.line[stored]
        return Kept(
            lines=lines,
            contig=contig,
            pos=pos,
            region=self._regions(places, contig, pos),
            id_=id_,
            alt=alt,
            quality=quality,
            filter_=filter_,
            filters=[None if one == [] else one for one in filters],
            filter_texts=texts,
            alts=alts,
            info=info,
            samples=samples,
            formats=formats,
            entries=entries,
            refers=0 if self._format is not None and self._format.annotator is Annotator.BCFTOOLS else None,
            stored=stored,
            trimmed=alleles.trim(pos[of], alts.ref[of], alts.alts[stored]),
            ok=ok,
        )

    def _read_samples(
        self, chunk: Chunk, lines: Integers, alts: LineAlts, ok: Mask
    ) -> tuple[list[Samples], Formats | None]:
        if self._header.columns <= _FORMAT:
            return [], None
        members = [chunk.column(person.column, lines) for person in self._people]
        samples, formats, sure = self._samples.read(chunk.column(_FORMAT, lines), members, alts.count)
        ok &= sure
        return samples, formats

    def _regions(self, places: Places, contig: Integers, pos: Integers) -> Integers:
        """Return the code of each line's region class: that of its chromosome, on X and Y line by line."""
        region = np.zeros(len(contig), dtype=np.int64)
        for code in np.unique(contig).tolist():
            name = str(places.chromosomes[code])
            here = np.flatnonzero(contig == code)
            inside = np.full(len(here), REGION_CODES[region_class(self._assembly.name, name, 0)])
            for first, last in self._assembly.pars.get(name, ()):
                at = (pos[here] >= first) & (pos[here] <= last)
                inside[at] = REGION_CODES[region_class(self._assembly.name, name, first)]
            region[here] = inside
        return region


def _plain_ids(id_: Slices) -> Mask:
    ok = (id_.length > 0) & ~id_.having(" ")
    several = np.flatnonzero(id_.having(";"))
    for place, text in zip(several.tolist(), id_[several].texts(), strict=True):
        try:
            record.read_ids(text)
        except BrokenRuleError:
            ok[place] = False
    return ok


def _filters(text: str) -> list[str] | None:
    """Read FILTER; an empty list where the file says `.`, None where it is not plain."""
    try:
        return record.read_filters(text) or []
    except BrokenRuleError:
        return None


def chromosome_names(places: Places) -> pa.Array:
    """Return the canonical names by contig code, empty for contigs outside the primary set: no row is there."""
    return pa.array([name or "" for name in places.chromosomes], pa.string())
