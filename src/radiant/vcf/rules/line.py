"""One data line becomes rows: the place where all the rules meet.

A line is

- *skipped*, by reason, when it is on a contig outside the primary set, at POS 0 (the telomere), or when none of its
  ALTs is a sequence: no ALT or `<NON_REF>` (reference block), only `*` (spanning deletion), symbolic, breakend. An ALT
  without a sequence beside others is left out of the split and counted;
- *rejected* when it breaks a rule; otherwise *kept* (one sequence) or *split* (several). Alleles get
  rows when a member carries them, or in a file without samples. Only the sample columns of members are read.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from radiant.domain.assembly import Assembly, RegionClass, region_class
from radiant.domain.case import Affected, Sex
from radiant.domain.inheritance import infer
from radiant.domain.trio import Trio
from radiant.vcf.findings import BrokenRuleError, Piece, Rule, Undeclared
from radiant.vcf.header.declarations import Header
from radiant.vcf.header.people import Person
from radiant.vcf.rules import alleles, consequences, genotypes, info, record, sequence
from radiant.vcf.rules.alleles import Allele
from radiant.vcf.rules.consequences import Consequence, ConsequenceFormat, ParsedConsequences
from radiant.vcf.rules.genotypes import FormatReader, SampleCall, Zygosity
from radiant.vcf.rules.info_map import AlleleInfo, InfoPlan
from radiant.vcf.rules.pair_candidates import Candidate, affected_genes, candidates
from radiant.vcf.rules.reference_sequence import ReferenceSequence
from radiant.vcf.rules.sequence import ReadState

Row = tuple[Mapping[str, object], ...]
"""One row, in parts."""

BEYOND_CONTIG = "beyond_contig"
"""Rule: a record ends beyond the end of its contig."""
_FORMAT_COLUMN = 8
_MAX_FORMATS = 1024
_NO_REASON = ""


@dataclass(frozen=True, slots=True)
class GenotypedSite:
    """The members' genotypes at one line."""

    chromosome: str
    region: RegionClass
    """Of the line's position."""
    variant_type: str
    """Class of the line's alleles, `mixed` when they differ."""
    calls: tuple[tuple[int, ...], ...]
    """In the order of the members, with the line's allele numbers."""
    passing: tuple[bool, ...]
    """Whether each member's genotype passes quality."""


@dataclass(slots=True)
class Line:
    """What one data line became."""

    bucket: str
    """kept, split or skipped; a rejected line is a `BrokenRuleError`."""
    reason: str = _NO_REASON
    """Why it was skipped."""
    occurrences: list[tuple[int, Zygosity, str | None, Row]] = field(
        default_factory=list[tuple[int, Zygosity, str | None, Row]]
    )
    """Index of the member, zygosity, `ti`/`tv`/None, row."""
    variants: list[Row] = field(default_factory=list[Row])
    consequences: list[Row] = field(default_factory=list[Row])
    site: GenotypedSite | None = None
    """Genotypes of a kept or split line, for the family checks; None without members."""
    structural: Mapping[str, int] = field(default_factory=dict[str, int])
    """Structural alleles by kind."""
    alleles: Counter[str] = field(default_factory=Counter[str])
    """carried, not_carried, and skipped ones by reason."""
    entries: Counter[str] = field(default_factory=Counter[str])
    """Consequence entries: stored, not_carried, of_skipped_alleles, assumed, elsewhere."""
    annotations: set[str] = field(default_factory=set[str])
    """INFO keys of annotators, read or not, as `info.annotation_of` names them."""
    pieces: list[Piece] = field(default_factory=list[Piece])
    """Left out, for quarantine."""
    pair_candidates: list[tuple[int, Candidate]] = field(default_factory=list[tuple[int, Candidate]])
    """Index of the member, and what may be half of a compound heterozygous pair."""


class LineReader:
    """Reads the data lines of one file, one at a time; what the lines before one decide is in its `ReadState`."""

    def __init__(  # noqa: PLR0913, PLR0917 - what every line needs
        self,
        header: Header,
        people: Sequence[Person],
        assembly: Assembly,
        fasta: ReferenceSequence | None,
        minimum_impact: int,
        consequence_format: ConsequenceFormat | None,
        info_plan: InfoPlan,
    ) -> None:
        self._header = header
        self._people = people
        self._assembly = assembly
        self._fasta = fasta
        self._minimum_impact = minimum_impact
        self._consequence_format = consequence_format
        self._annotator = None if consequence_format is None else consequence_format.annotator.value
        self._info = info.InfoReader(header, None if consequence_format is None else consequence_format.tag)
        self._info_plan = info_plan
        self._formats: dict[str, FormatReader] = {}

    def read(self, number: int, text: str, state: ReadState, undeclared: Undeclared) -> Line:
        """Read one data line.

        Args:
            number: Its line number.
            text: The line without its line break.
            state: What the lines before it left; moved on by this line.
            undeclared: Where names go that the header does not declare, those of a rejected line too.

        Raises:
            BrokenRuleError: the line breaks a rule.
        """
        columns = record.split_columns(text, self._header.columns)
        contig, ref, alt_text = columns[0], columns[3], columns[4]
        chromosome = record.check_contig(contig, contig in self._header.contigs)
        pos = record.position(columns[1])
        if chromosome is None:
            return Line("skipped", "contig")
        sequence.check_spelling(state.contig_of, chromosome, contig)
        state.order.check(contig, pos)
        if pos == 0:
            return Line("skipped", "telomere")
        found = alleles.split_record(contig, pos, ref, alt_text.split(","), self._fasta)
        stored = [allele for allele in found if allele.skip is None]
        structural = _structural(found) if len(stored) < len(found) else {}
        if not stored:
            return Line("skipped", alleles.line_reason(found), structural=structural)
        self._check_end(chromosome, pos, ref)
        keys = [(allele.start, allele.reference, allele.alternate) for allele in stored]
        state.duplicates.check(chromosome, keys)
        line = self._rows(columns, chromosome, pos, found, stored, undeclared)
        state.duplicates.add(chromosome, keys, number)
        line.structural = structural
        return line

    def _check_end(self, chromosome: str, pos: int, ref: str) -> None:
        last, length = pos + len(ref) - 1, self._assembly.lengths[chromosome]
        if last > length:
            rule = BEYOND_CONTIG
            message = (
                f"the record ends at {last}, but {chromosome} of {self._assembly.name} has {length} bases: "
                "is this the right assembly?"
            )
            raise BrokenRuleError(rule, message)

    def _rows(  # noqa: PLR0913, PLR0917 - parts of one line
        self,
        columns: list[str],
        chromosome: str,
        pos: int,
        found: list[Allele],
        stored: list[Allele],
        undeclared: Undeclared,
    ) -> Line:
        line = Line("kept" if len(stored) == 1 else "split")
        for allele in found:
            if allele.skip is not None:
                line.alleles[allele.skip.value] += 1
        site = record.site(columns[2], columns[5], columns[6])
        line.pieces += site.pieces
        undeclared.add_filters(site.filters, self._header.filters)
        info_entries, pieces = self._info.split(columns[7], len(found))
        line.pieces += pieces
        info_columns, pieces = self._info.columns(info_entries, len(found), undeclared)
        line.pieces += pieces
        people = self._people_at(columns, len(found), line.pieces, undeclared)
        line.annotations.update(self._info.annotations(info_entries))
        entries = self._entries(info_entries.line, found, line, pos)
        region = region_class(self._assembly.name, chromosome, pos)
        if people:
            classes = {alleles.variant_class(allele.reference, allele.alternate) for allele in stored}
            variant_type = classes.pop() if len(classes) == 1 else "mixed"
            calls, passing = zip(*((call.site, call.passes) for call in people), strict=True)
            line.site = GenotypedSite(chromosome, region, variant_type, calls, passing)
        for allele in stored:
            carriers = [index for index, call in enumerate(people) if allele.alt_index in call.site]
            own = entries.of(allele.alt_index)
            if not carriers and self._header.samples:
                line.alleles["not_carried"] += 1
                line.entries["not_carried"] += len(own)
                continue
            line.alleles["carried"] += 1
            line.entries["stored"] += len(own)
            locus = _locus(chromosome, allele)
            shared = (
                locus,
                {
                    "source_pos": pos,
                    "source_ref": columns[3],
                    "source_alt": columns[4],
                    "alt_index": allele.alt_index,
                    "quality": site.quality,
                    "filter": site.filters,
                },
                info_columns[allele.alt_index - 1],
            )
            change = _change(allele)
            genes = affected_genes(own, self._minimum_impact) if own else {}
            for index in carriers:
                zygosity, row = self._occurrence(people, index, allele.alt_index, region)
                line.occurrences.append((index, zygosity, change, (self._people[index].columns, *shared, *row)))
                if zygosity is Zygosity.HET and genes and self._people[index].may_have_pairs_in(region):
                    line.pair_candidates += [(index, one) for one in candidates(genes, locus, shared[1], row)]
            allele_info = self._info_plan.read(info_entries, allele.alt_index, len(found))
            self._add_consequences(line, locus, allele, columns[2], own, allele_info)
        return line

    def _people_at(
        self, columns: list[str], n_alts: int, pieces: list[Piece], undeclared: Undeclared
    ) -> list[SampleCall]:
        if len(columns) <= _FORMAT_COLUMN:
            return []
        reader = self._format_reader(columns[_FORMAT_COLUMN])
        undeclared.formats.update(reader.undeclared)
        people: list[SampleCall] = []
        for person in self._people:
            call, left_out = reader.read(columns[person.column], n_alts)
            pieces += left_out
            people.append(call)
        return people

    def _format_reader(self, text: str) -> FormatReader:
        """Return what reads sample columns under a FORMAT, the same object for the same text.

        Raises:
            BrokenRuleError: a key that is empty, repeated or no key.
        """
        reader = self._formats.get(text)
        if reader is None:
            reader = FormatReader(text, self._header)
            if len(self._formats) >= _MAX_FORMATS:
                self._formats.clear()
            self._formats[text] = reader
        return reader

    def _entries(self, fields: dict[str, str | None], found: list[Allele], line: Line, pos: int) -> ParsedConsequences:
        if self._consequence_format is None:
            return consequences.NOTHING
        value = fields.get(self._consequence_format.tag)
        cut = any(piece.rule == Rule.BARE_SEMICOLON for piece in line.pieces)
        parsed = consequences.parse(value, found, self._consequence_format, pos, cut=cut)
        line.pieces += parsed.malformed
        line.entries["of_skipped_alleles"] += parsed.of_skipped
        line.entries["assumed"] += parsed.assumed
        if parsed.elsewhere:
            line.entries["elsewhere"] += parsed.elsewhere
        return parsed

    def _occurrence(
        self, people: list[SampleCall], index: int, alt_index: int, region: RegionClass
    ) -> tuple[Zygosity, tuple[dict[str, object], ...]]:
        """Return the zygosity of one carrier and the parts of the row that depend on genotypes."""
        person, call = self._people[index], people[index]
        depth = call.depth(alt_index)
        zygosity = genotypes.zygosity(call.gt, alt_index, person.member.sex, region, depth)
        calls, phased = alleles.calls(call.gt or ".", alt_index)
        own: dict[str, object] = {
            "gt": call.gt,
            "calls": calls,
            "phased": phased,
            "phase_set": call.phase_set,
            "zygosity": zygosity.value,
            "dp": call.dp,
            "gq": call.gq,
            "ad_ref": depth.ref,
            "ad_alt": depth.alt,
            "ad_total": depth.total,
            "ad_ratio": depth.ratio,
        }
        father = None if person.father is None else people[person.father].site
        mother = None if person.mother is None else people[person.mother].site
        inheritance = _inheritance(
            region,
            person.member.sex,
            call.site,
            father,
            mother,
            alt_index,
            person.member.affected,
            _affected(self._people, person.father),
            _affected(self._people, person.mother),
        )
        return zygosity, (
            own,
            self._parent("mother", people, person.mother, alt_index, region),
            self._parent("father", people, person.father, alt_index, region),
            inheritance,
        )

    def _parent(
        self, who: str, people: list[SampleCall], index: int | None, alt_index: int, region: RegionClass
    ) -> dict[str, object]:
        if index is None:
            return {}
        call = people[index]
        depth = call.depth(alt_index)
        sex = self._people[index].member.sex
        return {
            f"{who}_calls": alleles.calls(call.gt or ".", alt_index)[0],
            f"{who}_zygosity": genotypes.zygosity(call.gt, alt_index, sex, region, depth).value,
            f"{who}_dp": call.dp,
            f"{who}_gq": call.gq,
            f"{who}_ad_ref": depth.ref,
            f"{who}_ad_alt": depth.alt,
            f"{who}_ad_total": depth.total,
            f"{who}_ad_ratio": depth.ratio,
        }

    def _add_consequences(  # noqa: PLR0913, PLR0917 - parts of one allele
        self,
        line: Line,
        locus: dict[str, object],
        allele: Allele,
        id_: str,
        entries: Sequence[Consequence],
        allele_info: AlleleInfo,
    ) -> None:
        picked, picked_by = consequences.pick(entries)
        shown = picked.columns if picked is not None else {}
        from_info = self._info_plan.row(allele_info, shown)
        line.variants.append(
            (
                locus,
                {
                    "variant_class": alleles.variant_class(allele.reference, allele.alternate),
                    "rsnumber": consequences.rsnumbers(id_, [entry.existing_variation for entry in entries]),
                    "picked_by": picked_by,
                    "annotator": self._annotator if entries else None,
                },
                {**shown, **from_info},
            )
        )
        for entry in entries:
            missing = {
                column: value for column, (value, _) in allele_info.frequencies.items() if entry.columns[column] is None
            }
            columns = {**entry.columns, **missing} if missing else entry.columns
            own = {"annotator": self._annotator, "picked": entry is picked, "extra": entry.extra}
            line.consequences.append((locus, columns, own))


def _affected(people: Sequence[Person], index: int | None) -> Affected:
    return Affected.UNKNOWN if index is None else people[index].member.affected


@lru_cache(maxsize=65536)
def _inheritance(  # noqa: PLR0913, PLR0917 - the key of the cache: everything that decides
    region: RegionClass,
    sex: Sex,
    child: tuple[int, ...],
    father: tuple[int, ...] | None,
    mother: tuple[int, ...] | None,
    allele: int,
    child_affected: Affected,
    father_affected: Affected,
    mother_affected: Affected,
) -> dict[str, object]:
    """Return the inheritance columns; `infer` once per distinct trio."""
    inferred = infer(
        Trio(
            region=region,
            sex=sex,
            child=child,
            father=father,
            mother=mother,
            allele=allele,
            child_affected=child_affected,
            father_affected=father_affected,
            mother_affected=mother_affected,
        )
    )
    return {
        "parental_origin": inferred.parental_origin.value,
        "mendelian_error": inferred.mendelian_error,
        "transmission_mode": inferred.transmission_mode.value,
    }


def _structural(found: Sequence[Allele]) -> Mapping[str, int]:
    """Count the structural alleles by kind."""
    kinds = (alleles.structural_kind(allele.skip, allele.alternate) for allele in found)
    return Counter(kind for kind in kinds if kind is not None)


def _locus(chromosome: str, allele: Allele) -> dict[str, object]:
    locus = alleles.locus(chromosome, allele.start, allele.reference, allele.alternate)
    return {
        "locus": locus,
        "locus_hash": alleles.locus_hash(locus),
        "chromosome": chromosome,
        "start": allele.start,
        "end": allele.end,
        "reference": allele.reference,
        "alternate": allele.alternate,
    }


_TRANSITIONS = frozenset({"AG", "GA", "CT", "TC"})


def _change(allele: Allele) -> str | None:
    """Return `ti` or `tv` for a single base, else None."""
    pair = allele.reference + allele.alternate
    if len(allele.reference) != 1 or len(allele.alternate) != 1 or "N" in pair:
        return None
    return "ti" if pair in _TRANSITIONS else "tv"
