"""What is decided about a file before its first record: by its header, the case's members and the options."""

from collections.abc import Sequence
from dataclasses import dataclass

from radiant.domain.assembly import assembly_named
from radiant.domain.case import Member
from radiant.domain.entry_columns import IMPACT_SCORES
from radiant.domain.quality import QualityCounts
from radiant.errors import VcfFormatError
from radiant.vcf.fast.fast_reader import FastReader
from radiant.vcf.fast.genotype_columns import Genotypes
from radiant.vcf.fast.reference_columns import ReferenceColumns
from radiant.vcf.findings import Finding
from radiant.vcf.header.declarations import FIXED_COLUMNS, Header, check_assembly
from radiant.vcf.header.people import find_people
from radiant.vcf.rows.compound_het import PairsInColumns
from radiant.vcf.rows.fast_rows import RowMaker
from radiant.vcf.rows.pair_collection import PairsOneByOne
from radiant.vcf.rules.csq_fields import ConsequenceFormat
from radiant.vcf.rules.info_map import DEFAULT, InfoOptions, InfoPlan
from radiant.vcf.rules.line import LineReader
from radiant.vcf.text.fasta import Fasta
from radiant.vcf.totals import FIRST_REJECTED, Counts, MemberQuality, ReadTotals

_BATCH_ROWS = 16_384
_CHUNK_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How to read."""

    assembly: str = "GRCh38"
    """`GRCh38` or `GRCh37`."""
    tolerate: int = 0
    """Up to this many rejected data lines let the case through. 0 is strict; above 0, header lines that break a rule
    go to quarantine too, uncounted."""
    fasta: str | None = None
    """Path or URI of a reference FASTA on this machine: REF is checked, indels are left-aligned. See `fasta.Fasta`."""
    compound_het_impact: str = "MODERATE"
    """VEP impact from which two heterozygous alleles of a gene can be a pair: HIGH, MODERATE or LOW."""
    info: InfoOptions = DEFAULT
    """What frequencies are read from, and where INFO keys without a column go."""
    batch_rows: int = _BATCH_ROWS
    """The most rows of a batch."""
    chunk_bytes: int = _CHUNK_BYTES
    """Text that is read at once, and more where a line is longer. Memory is about ten times as much."""
    owner: str = ""
    """What the file belongs to, `case:17`: it makes the ids of samples without a pedigree unique. Empty for none."""
    dictionaries: bool = False
    """Whether columns of repeating text may come as Arrow dictionary arrays, which are cheaper to write."""
    fast: bool = True
    """Whether the fast path reads what it can. False has the rules read every line, for comparison; the rows are the
    same."""


@dataclass(frozen=True, slots=True)
class FastPath:
    """Reads many lines at once: those that are written as nearly all lines are."""

    genotypes: Genotypes
    reader: FastReader
    rows: RowMaker


class ReadPlan:
    """The facts of one file that every chunk is read with, and the caches that they share.

    A cache decides only how fast a chunk is read, never what its rows are.
    """

    def __init__(self, uri: str, header: Header, members: Sequence[Member] | None, options: ReadOptions) -> None:
        """Compare a header with the case.

        Args:
            uri: Of the file, for messages.
            header: Its header.
            members: The case's members; None makes every sample of the file a member of its own.
            options: How to read.

        Raises:
            VcfFormatError: contig lengths are another assembly's, or a header line breaks a rule and none is tolerated,
                or the fields of the consequences are declared in two ways.
            SampleMismatchError: a member is not a sample of the file.
            InputError: the FASTA cannot be used.
        """
        self.uri = uri
        self.header = header
        self.options = options
        self.assembly = assembly_named(options.assembly)
        check_assembly(uri, header, self.assembly)
        self.people = find_people(uri, header.samples, members, len(FIXED_COLUMNS) + 1, options.owner)
        if header.findings and options.tolerate == 0:
            raise VcfFormatError(rejection(uri, 0, len(header.findings), header.findings[:FIRST_REJECTED]))
        self.fasta = None if options.fasta is None else Fasta(options.fasta, self.assembly.name)
        self.tables = options.info.tables
        """The tables that rows are for, by short name."""
        self.minimum_impact = IMPACT_SCORES[options.compound_het_impact]
        format_ = _consequence_format(uri, header)
        self.consequence_format = None if format_ is None else format_.with_frequencies(options.info.frequencies)
        tag = None if self.consequence_format is None else self.consequence_format.tag
        self.info_plan = InfoPlan(header, options.info, tag)
        self.rules = LineReader(
            header,
            self.people,
            self.assembly,
            self.fasta,
            self.minimum_impact,
            self.consequence_format,
            self.info_plan,
        )
        """Reads one line at a time."""
        self.fast: FastPath | None = None
        """None where the rules read every line."""
        if options.fast:
            genotypes = Genotypes()
            self.fast = FastPath(
                genotypes,
                FastReader(
                    header,
                    self.people,
                    self.assembly,
                    None if self.fasta is None else ReferenceColumns(self.fasta),
                    self.consequence_format,
                    self.info_plan,
                    genotypes,
                ),
                RowMaker(self.people, genotypes, self.consequence_format, self.minimum_impact),
            )
        pairs = PairsInColumns if options.fast else PairsOneByOne
        self._nothing = ReadTotals(
            Counts(),
            [MemberQuality(person.member.is_proband) for person in self.people],
            QualityCounts([person.member for person in self.people]),
            pairs(self.people),
        )

    def no_totals(self) -> ReadTotals:
        """Return totals that hold nothing yet."""
        return self._nothing.empty()

    def sources_of(self, column: str) -> list[str]:
        """Return what the header declares that a frequency column is read from, the first one first."""
        sources: list[str] = []
        if (format_ := self.consequence_format) is not None:
            own = [
                name
                for name, known in zip(format_.names, format_.known, strict=True)
                if known is not None and column in known.columns
            ]
            others = [
                format_.names[index] for name, indexes in format_.frequencies for index in indexes if name == column
            ]
            sources += [f"{format_.tag} {name}" for name in (*own, *others)]
        return sources + [f"INFO {key}" for key in self.info_plan.frequencies.get(column, ())]


def _consequence_format(uri: str, header: Header) -> ConsequenceFormat | None:
    """Return the format of the consequences.

    Where the header declares their key again, a list of fields that has the other at its beginning holds for both: an
    entry of the shorter one has another number of fields and goes to quarantine. Of any other two lists, the fields of
    one would get the names of the other.

    Raises:
        VcfFormatError: the lists of fields contradict each other.
    """
    descriptions: dict[str, str] = {}
    formats: dict[str, list[ConsequenceFormat]] = {}
    for tag, last in header.info_descriptions.items():
        descriptions[tag] = last
        for text in (*header.other_descriptions[tag], last) if tag in header.other_descriptions else ():
            if (one := ConsequenceFormat.from_info_header({tag: text})) is not None:
                descriptions[tag] = text
                formats.setdefault(tag, []).append(one)
    found = ConsequenceFormat.from_info_header(descriptions)
    if found is None or found.tag not in formats:
        return found
    declared = formats[found.tag]
    longest = max(declared, key=lambda one: len(one.names))
    if all(one.names == longest.names[: len(one.names)] for one in declared):
        return longest
    msg = (
        f"{uri}: the header declares INFO {found.tag} several times, with different fields: it is not certain which of "
        "them an entry has, and a gene could be taken for another. Keep the declaration that the entries were written "
        "with and remove the others, for example with bcftools reheader"
    )
    raise VcfFormatError(msg)


def rejection(uri: str, tolerated: int, count: int, first: Sequence[Finding], remedy: str | None = None) -> str:
    """Return the message for a file of which too many lines are rejected.

    Args:
        uri: Of the file.
        tolerated: How many rejected lines would let it through.
        count: How many were found.
        first: The first ones.
        remedy: What to do; None to correct the lines.
    """
    listed = "\n".join(f"  line {one.line}: {one.message} [{one.rule}]" for one in first)
    return (
        f"{uri}: {count} or more lines break a rule of the VCF format, {tolerated} are tolerated. The first:\n"
        f"{listed}\n{remedy or _CORRECT}"
    )


_CORRECT = (
    "Correct the file, or let a few such lines through with --tolerate N (RADIANT_VCF__TOLERATE): they then go to "
    "quarantine and are not imported"
)
