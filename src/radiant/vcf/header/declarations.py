"""The header of a VCF file: what it declares, and what is wrong with it.

Two kinds of wrong. Without `##fileformat`, a proper `#CHROM` line and distinct sample names nothing can be read: an
error, always. A meta-information line that breaks a rule rejects that line: an error in strict mode, quarantine and a
key that counts as not declared otherwise.

Source: VCF 4.3, sections 1.3 to 1.5.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from radiant.domain.assembly import Assembly, assembly_of_lengths, canonical_chromosome
from radiant.errors import VcfFormatError
from radiant.vcf.findings import BrokenRuleError, Finding, shown
from radiant.vcf.header import meta, reserved
from radiant.vcf.header.reserved import Declaration
from radiant.vcf.text.limits import MAX_HEADER_BYTES, MAX_HEADER_LINES, MAX_META_BYTES

_FILEFORMAT = re.compile(r"##fileformat=VCFv4\.([0-9])")
FIXED_COLUMNS = ("#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO")
_LENGTH = re.compile(r"[0-9]{1,18}").fullmatch
_REF_BEFORE_ALT = re.compile(r"\bref(?:erence)?\b.*\balt", re.IGNORECASE | re.DOTALL).search
_STRANDS = re.compile(r"fwd|forward|strand", re.IGNORECASE).search
_READ_COUNTS = frozenset({"LAD", "RO", "AO", "DPR"})
"""Keys of read counts that the specification does not reserve: RTG's DPR is a ratio."""
_RCRS_LENGTH = 16569
_UNKNOWN_LENGTH = 2**31 - 1
"""What `bcftools convert` and PBWT write as the length of a contig that they have none for."""
_REMEDY_FOR_GT = (
    ". A number alone may be a dosage, or an allele of a copy number call. If the lines hold genotypes such as 0/1, "
    "declare it as String, for example with bcftools reheader"
)
_ANNOTATORS = {
    "VEP": "VEP",
    "SnpEffVersion": "SnpEff",
    "bcftools_csqVersion": "bcftools csq",
    "bcftools/csqVersion": "bcftools csq",
}
"""Header lines with the version of an annotator."""


@dataclass(slots=True)
class Header:
    """What the header lines declare. Filled line by line by `read_header`, constant afterwards."""

    minor: int = 0
    """The 3 of VCF 4.3."""
    contigs: dict[str, int | None] = field(default_factory=dict[str, int | None])
    """Declared contigs, as spelt, with their length or None."""
    info: dict[str, Declaration] = field(default_factory=dict[str, Declaration])
    info_descriptions: dict[str, str] = field(default_factory=dict[str, str])
    """Description of each declared INFO key; VEP's field list is in there."""
    other_descriptions: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """Earlier descriptions of an INFO key that is declared again with another one."""
    annovar: dict[str, Declaration] = field(default_factory=dict[str, Declaration])
    """Reserved INFO keys as ANNOVAR declares them again: they hold for its blocks alone."""
    formats: dict[str, Declaration] = field(default_factory=dict[str, Declaration])
    other_formats: set[str] = field(default_factory=set[str])
    """FORMAT keys of read counts that the header declares as something else: no column is made from them."""
    filters: set[str] = field(default_factory=set[str])
    samples: tuple[str, ...] = ()
    """Names of the sample columns, in the file's order."""
    columns: int = 0
    """How many columns every record must have."""
    lines: int = 0
    """How many lines the header has."""
    size: int = 0
    """Bytes of them, each with `\\n`."""
    sha256: str = ""
    """Of the header lines, each with `\\n`."""
    caller: str | None = None
    """`##source`, else the newest caller command line."""
    vep_version: str | None = None
    """As `##VEP=` states it, its first word."""
    annotators: dict[str, str] = field(default_factory=dict[str, str])
    """Versions of annotators by their names in the column `annotator`."""
    findings: list[Finding] = field(default_factory=list[Finding])
    """Rejected meta-information lines."""
    warnings: list[str] = field(default_factory=list[str])

    def info_declaration(self, key: str) -> Declaration | None:
        """Return what an INFO key is declared to be, the specification's word for a reserved one, or None."""
        known = self.info.get(key)
        if known is None and key in reserved.INFO:
            known = reserved.INFO[key].declaration
        return known

    def declaration_in_blocks(self, key: str) -> Declaration | None:
        """Return what an INFO key is declared to be in ANNOVAR's blocks (`rules.annovar_blocks`), or None."""
        return self.annovar.get(key) or self.info_declaration(key)

    def format_declaration(self, key: str) -> Declaration | None:
        """Return what a FORMAT key is declared to be, the specification's word for a reserved one, or None."""
        known = self.formats.get(key)
        if known is None and key in reserved.FORMAT:
            known = reserved.FORMAT[key].declaration
        return known

    @property
    def has_lengths(self) -> bool:
        """Whether a primary contig other than M states its length."""
        return any(
            length is not None and canonical_chromosome(name) not in {None, "M"}
            for name, length in self.contigs.items()
        )


def matching(names: Iterable[str], declared: Iterable[str]) -> tuple[str, ...]:
    """Return the declared names that are among some names, in the order of these; upper and lower case are alike."""
    by_lower: dict[str, list[str]] = {}
    for name in declared:
        by_lower.setdefault(name.lower(), []).append(name)
    return tuple(dict.fromkeys(found for name in names for found in by_lower.get(name.lower(), ())))


def read_header(uri: str, lines: Iterator[tuple[int, bytes]]) -> Header:
    """Read up to and including the `#CHROM` line.

    Args:
        uri: For messages.
        lines: From `Source.lines()`; afterwards the next line is the first record.

    Raises:
        VcfFormatError: not a VCF file, no `#CHROM` line, wrong columns, empty or duplicate sample names, or beyond a
            limit (`limits.py`).
    """
    header = Header()
    digest = hashlib.sha256()
    for number, raw in lines:
        digest.update(raw + b"\n")
        header.size += len(raw) + 1
        header.lines = number
        _check_size(uri, header, raw)
        text = _decoded(header, number, raw)
        if number == 1:
            _read_fileformat(header, uri, text)
        elif text.startswith("#CHROM"):
            _read_columns(header, uri, number, text)
            header.sha256 = digest.hexdigest()
            return header
        elif not text.startswith("#") and "\t" in text:
            msg = (
                f"{uri}, line {number}: a record before the #CHROM line. The #CHROM line, which names the columns and "
                "samples, is missing; restore the header"
            )
            raise VcfFormatError(msg)
        else:
            _read_meta(header, number, text)
    if header.lines == 0:
        msg = f"{uri}, line 1: the file is empty. A VCF file has at least ##fileformat and #CHROM lines"
        raise VcfFormatError(msg)
    msg = f"{uri}, line {header.lines}: the file ends without a #CHROM line. Restore the header, or copy the file again"
    raise VcfFormatError(msg)


def _check_size(uri: str, header: Header, raw: bytes) -> None:
    """Refuse a header beyond what callers and annotators write.

    Raises:
        VcfFormatError: it has too many lines or bytes, or a meta-information line is too long.
    """
    if header.size > MAX_HEADER_BYTES or header.lines > MAX_HEADER_LINES:
        problem = (
            f"no #CHROM line in the first {MAX_HEADER_LINES} lines and {MAX_HEADER_BYTES >> 20} MiB: no caller or "
            "annotator writes such a header. If it is a VCF, remove header lines that no record needs, with bcftools "
            "reheader"
        )
    elif raw.startswith(b"##") and len(raw) > MAX_META_BYTES:
        problem = (
            f"a header line of {len(raw)} bytes, more than {MAX_META_BYTES}: no caller or annotator writes one. "
            "Remove it, with bcftools reheader"
        )
    else:
        return
    msg = f"{uri}, line {header.lines}: {problem}"
    raise VcfFormatError(msg)


def check_assembly(uri: str, header: Header, assembly: Assembly) -> None:
    """Compare the header's contig lengths with the case's assembly.

    Raises:
        VcfFormatError: a primary contig has another length than in the assembly.
    """
    for name, length in header.contigs.items():
        chromosome = canonical_chromosome(name)
        if chromosome is None or length is None:
            continue
        if not assembly.accepts_length(chromosome, length):
            lengths = {one: size for one, size in header.contigs.items() if size is not None}
            other = assembly_of_lengths(lengths)
            hint = (
                f"its lengths are those of {other}: set the case's assembly to {other}"
                if other not in {None, assembly.name}
                else "check which reference the variants were called against: GRCh37 and GRCh38 can be imported, "
                "others (T2T-CHM13, ...) after a liftover"
            )
            msg = (
                f"{uri}: the header gives contig {name} the length {length}, but in {assembly.name} it is "
                f"{assembly.lengths[chromosome]}; {hint}"
            )
            raise VcfFormatError(msg)
        if chromosome == "M" and length != _RCRS_LENGTH:
            header.warnings.append(
                f"the header's {name} is {length} bases long, so it is not the revised Cambridge sequence "
                f"({_RCRS_LENGTH}): positions on it cannot be compared with other cases"
            )
    for first, second in _twice(header):
        header.warnings.append(
            f"the header declares the contigs {first} and {second}, which are one chromosome here: a file with records "
            "on both is refused"
        )
    if not header.has_lengths:
        header.warnings.append(f"the header states no contig lengths: it was not checked that this is {assembly.name}")


def _twice(header: Header) -> Iterator[tuple[str, str]]:
    """Yield the declared contigs that are one chromosome, two at a time."""
    spelling: dict[str, str] = {}
    for name in header.contigs:
        chromosome = canonical_chromosome(name)
        if chromosome is not None and spelling.setdefault(chromosome, name) != name:
            yield spelling[chromosome], name


def _decoded(header: Header, number: int, raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        header.warnings.append(f"line {number}: the header line is not UTF-8; odd characters were replaced")
        return raw.decode("utf-8", errors="replace")


def _read_fileformat(header: Header, uri: str, text: str) -> None:
    match = _FILEFORMAT.fullmatch(text.rstrip())
    if match is None:
        # A text that is no VCF may be a secret that a sheet names, and the message goes to logs.
        found = shown(text) if text.startswith("##") else f"a text of {len(text)} characters"
        msg = (
            f"{uri}, line 1: {found} is not ##fileformat=VCFv4.x. Only VCF and BCF version 4 can be imported; "
            "is this a VCF file?"
        )
        raise VcfFormatError(msg)
    header.minor = int(match[1])


def _read_columns(header: Header, uri: str, number: int, text: str) -> None:
    columns = text.split("\t")
    fixed = tuple(columns[: len(FIXED_COLUMNS)])
    samples = tuple(columns[len(FIXED_COLUMNS) + 1 :])
    problem = None
    if fixed != FIXED_COLUMNS:
        separator = " (are the columns separated by spaces instead of tabs?)" if "\t" not in text else ""
        problem = f"the columns are {shown(' '.join(fixed))}, not {' '.join(FIXED_COLUMNS)}{separator}"
    elif len(columns) > len(FIXED_COLUMNS) and (columns[len(FIXED_COLUMNS)] != "FORMAT" or not samples):
        problem = "after INFO come FORMAT and at least one sample, or nothing"
    elif any(not name.strip() for name in samples):
        problem = "a sample name is empty"
    elif len(set(samples)) != len(samples):
        # By their columns: the message goes to logs, which name no sample.
        first: dict[str, int] = {}
        column = next(index for index, name in enumerate(samples) if first.setdefault(name, index) != index)
        places = (first[samples[column]] + len(FIXED_COLUMNS) + 2, column + len(FIXED_COLUMNS) + 2)
        problem = f"sample names must differ, but the columns {places[0]} and {places[1]} have the same"
    if problem is not None:
        msg = (
            f"{uri}, line {number}: in the #CHROM line {problem}. Correct the line, for example with bcftools reheader"
        )
        raise VcfFormatError(msg)
    header.samples = samples
    header.columns = len(columns)


def _read_meta(header: Header, number: int, text: str) -> None:
    try:
        key, value = meta.split_meta(text)
        if meta.is_structured(key):
            _store(header, key, meta.parse_structured(key, value, header.minor))
        else:
            meta.check_plain(key, value)
            _note(header, key, value)
    except BrokenRuleError as error:
        # An error's message is logged; these lines are about people. The quarantine table has the text.
        kind = next((kind for kind in _ABOUT_PEOPLE if text.startswith(f"##{kind}=")), None)
        message = (
            str(error) if kind is None else f"a ##{kind} line breaks a rule; it may name a person and is not shown"
        )
        header.findings.append(Finding(number, error.rule, message, record_kept=False, text=text))


_ABOUT_PEOPLE = ("SAMPLE", "PEDIGREE")


def _store(header: Header, key: str, fields: dict[str, str]) -> None:
    name = fields.get("ID", "")
    if key == "contig":
        length = fields.get("length", "")
        stated = _LENGTH(length) is not None and int(length) != _UNKNOWN_LENGTH
        header.contigs[name] = int(length) if stated else None
    elif key == "FILTER":
        header.filters.add(name)
    elif key in {"INFO", "FORMAT"}:
        _declare(header, key, name, fields)


def _declare(header: Header, key: str, name: str, fields: dict[str, str]) -> None:
    """Store what an INFO or FORMAT line declares."""
    number, kind = fields["Number"], fields["Type"]
    allowed = (reserved.INFO if key == "INFO" else reserved.FORMAT).get(name)
    if key == "INFO" and allowed and fields["Description"] == f"{name} annotation provided by ANNOVAR":
        header.annovar[name] = Declaration(number, kind)  # gnomAD's AF of `-protocol gnomad211_exome` is `AF`
        return
    if key == "INFO":
        known = header.info_descriptions.get(name, fields["Description"])
        if known != fields["Description"]:
            header.other_descriptions.setdefault(name, []).append(known)
        header.info_descriptions[name] = fields["Description"]
    if allowed and (number not in allowed.numbers or kind not in allowed.types):
        rule = "meta_reserved"
        message = (
            f"##{key} {name} is reserved with Number={allowed.numbers[0]}, Type={allowed.types[0]}, but declared "
            f"with Number={number}, Type={kind}"
        )
        if (key, name, kind) == ("FORMAT", "GT", "Integer"):
            message += _REMEDY_FOR_GT
        raise BrokenRuleError(rule, message)
    if key == "FORMAT" and name == "AD":
        _check_read_counts(header, number, fields["Description"])
    if key == "FORMAT" and name in _READ_COUNTS and kind != "Integer":
        header.other_formats.add(name)
    if allowed and number != allowed.numbers[0]:
        number = "."
    (header.info if key == "INFO" else header.formats)[name] = Declaration(number, kind)


def _check_read_counts(header: Header, number: str, description: str) -> None:
    """Find out whether FORMAT AD can be read per allele.

    One value is that of ALT alone (VarScan). Two may be those of REF and ALT, of ALT and REF, of the called alleles
    (Complete Genomics), of the two strands of ALT (VarDict): they are read where the description names REF before ALT.
    """
    named = _REF_BEFORE_ALT(description) is not None and _STRANDS(description) is None
    if number in {"1", "2"} and not named:
        header.other_formats.add("AD")
        header.warnings.append(
            f"FORMAT AD is declared with Number={number}, not one value for REF and each ALT: whose reads a value "
            "counts is not certain, so read counts are not taken from it"
        )


def _note(header: Header, key: str, value: str) -> None:
    if key == "source" or (header.caller is None and key.startswith(("DeepVariant", "octopus", "DRAGENCommandLine"))):
        header.caller = value
    elif key.startswith("GATKCommandLine") and "HaplotypeCaller" in value and header.caller is None:
        version = re.search(r'Version="?([^",>]+)', value)
        header.caller = f"GATK HaplotypeCaller {version[1]}" if version else "GATK HaplotypeCaller"
    elif key == "VEP":
        header.vep_version = _first_word(value)
    if key in _ANNOTATORS and (version := _first_word(value)) is not None:
        header.annotators[_ANNOTATORS[key]] = version


def _first_word(value: str) -> str | None:
    words = value.replace('"', " ").split()
    return words[0] if words else None
