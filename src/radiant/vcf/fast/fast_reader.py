"""The fast path: which lines of a chunk it reads, and what they hold.

It reads lines that `vcf.rules.line` would keep, split or skip. A part of a line that is not written as nearly all are
(a sample column, a number, an entry's ALT) goes through the rules by itself. Every step below leaves a line to the
rules where it is not sure, with the reason: mostly lines that they reject.
"""

from collections.abc import Sequence
from operator import itemgetter

import numpy as np

from radiant.domain.assembly import Assembly, region_class
from radiant.vcf.fast import allele_columns
from radiant.vcf.fast.allele_columns import SKIPS, STORED, LineAlts
from radiant.vcf.fast.csq_entry_columns import read_entries
from radiant.vcf.fast.fallback_reason import Checks, FallbackReason, counted
from radiant.vcf.fast.genotype_columns import REGION_CODES, Genotypes
from radiant.vcf.fast.info_columns import read_info
from radiant.vcf.fast.lines import FastLines, Kept, Skipped
from radiant.vcf.fast.locus_columns import Loci, find_loci
from radiant.vcf.fast.reference_columns import ReferenceColumns
from radiant.vcf.fast.sample_columns import MemberColumns, SampleReader
from radiant.vcf.fast.shared_alleles import Reach, without_neighbours
from radiant.vcf.findings import BrokenRuleError, Piece
from radiant.vcf.header.declarations import Header
from radiant.vcf.header.people import Person
from radiant.vcf.rules import record
from radiant.vcf.rules.alleles import LINE_REASONS, Skip
from radiant.vcf.rules.csq_fields import Annotator, ConsequenceFormat
from radiant.vcf.rules.info_map import InfoPlan
from radiant.vcf.rules.sequence import ReadState
from radiant.vcf.text.chunks import Chunk
from radiant.vcf.vector import numbers
from radiant.vcf.vector.slices import Integers, Mask, Slices, encoded

_ID, _REF, _ALT, _QUAL, _FILTER, _INFO, _FORMAT = range(2, 9)


class FastReader:
    """Reads the chunks of one file."""

    def __init__(  # noqa: PLR0913, PLR0917 - what every chunk needs
        self,
        header: Header,
        people: Sequence[Person],
        assembly: Assembly,
        reference: ReferenceColumns | None,
        format_: ConsequenceFormat | None,
        info_plan: InfoPlan,
        genotypes: Genotypes,
    ) -> None:
        self._header = header
        self._people = people
        self._assembly = assembly
        self._reference = reference
        self._format = format_
        self._info_plan = info_plan
        self._samples = SampleReader(header, genotypes)

    def read(self, chunk: Chunk, state: ReadState) -> FastLines:
        """Read a chunk after the lines of `state`, to which its contigs are added."""
        loci = find_loci(chunk, self._header, state.contig_of)
        stretches = loci.stretches()
        if stretches is None or not state.order.continues([(contig, first) for contig, first, _ in stretches]):
            return FastLines.none_of(chunk, loci, FallbackReason.UNSORTED)
        checks = Checks(len(chunk))
        checks.require(FallbackReason.COLUMNS, chunk.regular)
        checks.require(FallbackReason.LOCUS, loci.ok)
        skipped, kept = self._classify(chunk, loci, checks)
        ok = np.zeros(0, dtype=np.bool_)
        if kept is not None:
            unknown = np.flatnonzero(~checks.ok)
            checks.codes[kept.lines] = kept.codes
            ok = without_neighbours(kept, loci, self._reach(chunk, loci, unknown), state.duplicates.starts)
            checks.leave(FallbackReason.NEIGHBOUR, kept.lines[~ok])
        fallback = np.flatnonzero(~checks.ok)
        return FastLines(chunk, loci, skipped, kept, ok, fallback, counted(checks.codes), in_order=True)

    def _classify(self, chunk: Chunk, loci: Loci, checks: Checks) -> tuple[list[Skipped], Kept | None]:
        """Return the lines that are surely skipped, and those that may be kept; `checks` are of the chunk's lines."""
        primary = loci.primary
        lines = np.flatnonzero(loci.ok & primary & (loci.pos > 0))
        alt = chunk.column(_ALT, lines)
        alts = allele_columns.read_alts(chunk.column(_REF, lines), alt)
        checks.leave(FallbackReason.ALLELES, lines[~alts.ok])
        fine = alts.ok
        if self._reference is not None:
            fine = fine & self._reference.agrees(loci.names, loci.contig[lines], loci.pos[lines], alts.ref)
            checks.leave(FallbackReason.FASTA, lines[~fine])
        sequence = np.zeros(len(lines), dtype=np.bool_)
        sequence[alts.line[alts.skip == STORED]] = True
        sequence &= ~alts.none
        skipped = [
            Skipped(np.flatnonzero(loci.ok & ~primary), "contig"),
            Skipped(np.flatnonzero(loci.ok & primary & (loci.pos == 0)), "telomere"),
        ]
        rest = fine & ~sequence
        for reason in LINE_REASONS:
            mine = rest.copy()
            if reason is not Skip.REFERENCE_BLOCK:
                has = np.zeros(len(lines), dtype=np.bool_)
                has[alts.line[alts.skip == SKIPS.index(reason)]] = True
                mine &= has
            rest &= ~mine
            skipped.append(Skipped(lines[mine], reason.value, allele_columns.structural(alts, mine)))
        skipped = [one for one in skipped if len(one.lines)]
        wanted = fine & sequence
        if not wanted.any():
            return skipped, None
        if not wanted.all():
            lines = lines[wanted]
            alt = chunk.column(_ALT, lines)
            alts = allele_columns.read_alts(chunk.column(_REF, lines), alt)
        return skipped, self._keep(chunk, loci, lines, alt, alts)

    def _keep(self, chunk: Chunk, loci: Loci, lines: Integers, alt: Slices, alts: LineAlts) -> Kept:
        contig, pos = loci.contig[lines], loci.pos[lines]
        checks = Checks(len(lines))
        lengths = np.array(
            [0 if name is None else self._assembly.lengths[name] for name in loci.chromosomes], dtype=np.int64
        )
        checks.require(FallbackReason.CONTIG_END, pos + alts.ref.length - 1 <= lengths[contig])
        id_ = chunk.column(_ID, lines).compact()  # what is looked for in it is looked for in little text
        checks.require(FallbackReason.ID, _plain_ids(id_))
        quality, sure = numbers.floats(chunk.column(_QUAL, lines), negative=False)
        checks.require(FallbackReason.QUAL, sure)
        filter_, texts = encoded(chunk.column(_FILTER, lines).strings())
        filters = [_filters(text) for text in texts]
        fine = np.array([one is not None for one in filters], dtype=np.bool_)
        checks.require(FallbackReason.FILTER, fine[filter_])
        tag = None if self._format is None else self._format.tag
        info = read_info(chunk.column(_INFO, lines), alts.count, self._header, tag, self._info_plan)
        checks.require(FallbackReason.INFO, info.ok)
        pieces = [
            (line, piece)
            for code, one in enumerate(filters)
            if one is not None and one[1]
            for line in np.flatnonzero(filter_ == code).tolist()
            for piece in one[1]
        ]
        pieces += info.pieces
        members = self._read_samples(chunk, lines, alts)
        if members is not None:
            checks.require(FallbackReason.SAMPLES, members.ok)
            pieces += members.pieces
        entries = None
        if self._format is not None:
            found = read_entries(info.entries, alts, pos, self._format)
            entries, pieces = found.entries, [*pieces, *found.pieces]
        stored = np.flatnonzero(alts.skip == STORED)
        of = alts.line[stored]
        trimmed = allele_columns.trim(pos[of], alts.ref[of], alts.alts[stored])
        if self._reference is not None:
            trimmed = self._reference.left_aligned(loci.names, contig[of], trimmed)
        return Kept(
            lines=lines,
            contig=contig,
            pos=pos,
            region=self._regions(loci, contig, pos),
            id_=id_,
            alt=alt,
            quality=quality,
            filter_=filter_,
            filters=[None if one is None else one[0] for one in filters],
            alts=alts,
            info=info,
            samples=[] if members is None else members.samples,
            formats=None if members is None else members.formats,
            entries=entries,
            refers=0 if self._format is not None and self._format.annotator is Annotator.BCFTOOLS else None,
            stored=stored,
            trimmed=trimmed,
            pieces=sorted(pieces, key=itemgetter(0)),
            codes=checks.codes,
            ok=checks.ok,
        )

    def _read_samples(self, chunk: Chunk, lines: Integers, alts: LineAlts) -> MemberColumns | None:
        """Read the members' columns; None in a file without FORMAT."""
        if self._header.columns <= _FORMAT:
            return None
        members = [chunk.column(person.column, lines) for person in self._people]
        return self._samples.read(chunk.column(_FORMAT, lines), members, alts.count)

    def _reach(self, chunk: Chunk, loci: Loci, lines: Integers) -> Reach:
        """Return where lines may have alleles that have any number of columns, and alleles that are not read here.

        That is on REF, or before it where the reference FASTA moves an indel.
        """
        first, last = loci.pos[lines], loci.pos[lines]
        for at, line in enumerate(lines.tolist()):
            columns = chunk.raw(line).decode(errors="replace").split("\t", _ALT + 1)
            if len(columns) <= _ALT:
                continue
            last[at] += len(columns[_REF]) - 1
            if self._reference is not None:
                name, pos = columns[0], int(first[at])
                first[at] = self._reference.first_base(name, pos, columns[_REF], columns[_ALT].split(","))
        return Reach(loci.contig[lines], first, last)

    def _regions(self, loci: Loci, contig: Integers, pos: Integers) -> Integers:
        """Return the code of each line's region class: that of its chromosome, on X and Y line by line."""
        region = np.zeros(len(contig), dtype=np.int64)
        for code in np.unique(contig).tolist():
            name = str(loci.chromosomes[code])
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
            record.check_ids(text)
        except BrokenRuleError:
            ok[place] = False
    return ok


def _filters(text: str) -> tuple[list[str] | None, tuple[Piece, ...]] | None:
    """Read FILTER as `record.read_filters` does; None where it breaks a rule."""
    try:
        return record.read_filters(text)
    except BrokenRuleError:
        return None
