"""The meta-information lines (`##...`) of a header, one at a time: syntax and the rules for each kind.

Only the kinds the specification structures are checked closely. What tools write about themselves
(`##GATKCommandLine=<...>`, `##bcftools_viewCommand=...`) is free text and is left alone.

The order of the fields of a line has no meaning: VCF 4.4 says that implementations must not rely on it.

Source: VCF 4.3, sections 1.2 (character encoding) and 1.4 (meta-information lines); VCF 4.4 and 4.5 for the order of
fields and the Number codes P, LA, LR, LG and M.
"""

import re
from collections.abc import Mapping

from radiant.vcf.findings import BrokenRuleError, shown

_STRUCTURED = frozenset({"INFO", "FORMAT", "FILTER", "ALT", "contig", "META", "SAMPLE", "PEDIGREE"})
"""Kinds whose `<...>` is checked."""
_WITH_VALUE = _STRUCTURED | {"fileformat", "reference", "assembly", "pedigreeDB"}
"""Kinds of the specification: none of them is empty."""

_KEY = re.compile(r"[A-Za-z0-9_.]+")
_FIELD = re.compile(
    r"""[ ]*(?P<key>[A-Za-z0-9_.\-]+)=(?:"(?P<quoted>[^"\\]*+(?:\\.[^"\\]*+)*+)"|(?P<list>\[[^\]]*\]|<[^<>]*>)"""
    r"""|(?P<plain>[^",<>]*))(?P<end>,|$)""",
    re.DOTALL,
)
"""One field. TCGA has lists in angle brackets (`softwareName=<muTect,Somatic>`); a space before the name is common."""

_NUMBER = re.compile(r"[0-9]{1,9}|[ARGPM.]|L[ARG]")
"""P, M (VCF 4.4) and LA, LR, LG (VCF 4.5) are read; `values.expected_count` says which counts are checked."""
_UNKNOWN_NUMBER = "-1"
"""How VCF 3.3, and writers of VCF 4.0, state that the number of values varies or is unknown: `.` since VCF 4.0."""
_TYPES = {
    "INFO": ("Integer", "Float", "Flag", "Character", "String"),
    "FORMAT": ("Integer", "Float", "Character", "String"),
    "META": ("Integer", "Float", "Character", "String"),
    "ALT": ("Integer", "Float", "Flag", "Character", "String"),
}
_REQUIRED = {
    "INFO": ("ID", "Number", "Type", "Description"),
    "FORMAT": ("ID", "Number", "Type", "Description"),
    "FILTER": ("ID", "Description"),
    "ALT": ("ID", "Description"),
    "contig": ("ID",),
    "META": ("ID",),
    "SAMPLE": ("ID",),
    "PEDIGREE": (),
}
_ALT_PREFIXES = frozenset({"DEL", "INS", "DUP", "INV", "CNV", "BND", "*"})
"""First part of an ALT ID with colons; `*:DEL` is GATK's spanning deletion."""
_BRACKETED = re.compile(r"^<(.+)>$")
"""An ALT ID as Pisces writes it, like the allele in a line."""
_PEDIGREE_VALUE = re.compile(r"[A-Za-z0-9_.\-]+")
_SAMPLE_ID = re.compile(r"[^\s,*<>]+")
_CONTIG_ID = re.compile(r"[^\s,<>\"'`\[\](){}\\]+")


def split_meta(text: str) -> tuple[str, str]:
    """Split `##key=value`.

    The value of a line that a tool writes about itself may be empty (`##VIP_treeCommand=`): nothing is read from it.

    Raises:
        BrokenRuleError: no `##`, no `=`, an empty key, or an empty value of a kind that the specification has.
    """
    if not text.startswith("##"):
        rule, message = "meta_line", f"{shown(text)} is no header line: before #CHROM every line starts with ##"
        raise BrokenRuleError(rule, message)
    key, equals, value = text[2:].partition("=")
    if not equals or not key.strip() or (not value and key in _WITH_VALUE):
        rule, message = "meta_key_value", f"{shown(text)} is not ##key=value with a value"
        raise BrokenRuleError(rule, message)
    return key, value


def is_structured(key: str) -> bool:
    """Return whether `parse_structured` has rules for this kind of line."""
    return key in _STRUCTURED


def parse_structured(key: str, value: str, minor: int) -> dict[str, str]:
    r"""Read the fields of `<ID=...,...>` and check the rules for this kind.

    Args:
        key: INFO, FORMAT, FILTER, ALT, contig, META, SAMPLE or PEDIGREE.
        value: Everything after the first `=`.
        minor: The 3 of VCF 4.3.

    Returns:
        Field name to value, without quotes and with `\"` and `\\` unescaped, in the order of the line. Number is `.`
        where an old writer has -1.

    Raises:
        BrokenRuleError: the line breaks a rule.
    """
    fields, quoted = _fields(key, value)
    for name in _required(key, minor):
        if not fields.get(name) and not (name in quoted and name != "ID"):
            rule, message = "meta_field_missing", f"##{key} line without {name}: {shown(value)}"
            raise BrokenRuleError(rule, message)
    if "Description" in fields and "Description" not in quoted:
        rule, message = "meta_description", f"##{key} Description is not in double quotes: {shown(value)}"
        raise BrokenRuleError(rule, message)
    if key in _TYPES and fields.get("Number") == _UNKNOWN_NUMBER:
        fields["Number"] = "."
    _check_number_and_type(key, fields)
    _check_id(key, fields)
    if key == "META" and "Values" in fields and not fields["Values"].startswith("["):
        rule, message = "meta_values", f"##META Values is not in square brackets: {shown(value)}"
        raise BrokenRuleError(rule, message)
    if key == "PEDIGREE":
        for name, content in fields.items():
            if name not in quoted and not _PEDIGREE_VALUE.fullmatch(content):
                rule, message = "meta_pedigree", f"##PEDIGREE {name}={shown(content)} is not a sample name"
                raise BrokenRuleError(rule, message)
    return fields


def check_plain(key: str, value: str) -> None:
    """Check a `##key=value` line without fields.

    Raises:
        BrokenRuleError: `##pedigreeDB=<>`.
    """
    if key == "pedigreeDB" and value == "<>":
        rule, message = "meta_key_value", "##pedigreeDB=<> names no database"
        raise BrokenRuleError(rule, message)


def _fields(key: str, value: str) -> tuple[dict[str, str], frozenset[str]]:
    value = value.rstrip(" ")
    if not (value.startswith("<") and value.endswith(">")):
        rule, message = "meta_brackets", f"##{key} value is not in angle brackets: {shown(value)}"
        raise BrokenRuleError(rule, message)
    inner = value[1:-1]
    fields: dict[str, str] = {}
    quoted: set[str] = set()
    position = 0
    more = True
    while more:
        match = _FIELD.match(inner, position)
        if match is None and key == "ALT" and not fields:
            match = re.compile(r"(?P<key>ID)=(?P<plain>[^\s,<>]+)(?P<quoted>(?!))?(?P<list>(?!))?(?P<end>,|$)").match(
                inner
            )
        if match is None:
            rule = "meta_fields"
            message = f"##{key} is not a list of name=value with quotes closed, at {shown(inner[position:])}"
            raise BrokenRuleError(rule, message)
        name = match["key"]
        if match["quoted"] is not None:
            quoted.add(name)
            fields[name] = match["quoted"].replace('\\"', '"').replace("\\\\", "\\")
        else:
            fields[name] = match["list"] or match["plain"]
        position = match.end()
        more = match["end"] == ","
    return fields, frozenset(quoted)


def _required(key: str, minor: int) -> tuple[str, ...]:
    if key == "PEDIGREE" and minor >= 3:  # noqa: PLR2004 - the ID came with 4.3
        return ("ID",)
    return _REQUIRED[key]


def _check_number_and_type(key: str, fields: Mapping[str, str]) -> None:
    number, kind = fields.get("Number"), fields.get("Type")
    if number is not None and key in _TYPES and not _NUMBER.fullmatch(number):
        rule, message = (
            "meta_number",
            f"##{key} Number={shown(number)} is none of a count, A, R, G, P, LA, LR, LG, M and `.`",
        )
        raise BrokenRuleError(rule, message)
    if kind is not None and key in _TYPES and kind not in _TYPES[key]:
        rule, message = "meta_type", f"##{key} Type={shown(kind)} is none of {', '.join(_TYPES[key])}"
        raise BrokenRuleError(rule, message)


def _check_id(key: str, fields: Mapping[str, str]) -> None:
    name = fields.get("ID", "")
    broken = False
    if key == "ALT":
        name = _BRACKETED.sub(r"\1", name)
        prefix, colon, _ = name.partition(":")
        broken = bool(re.search(r"[\s,<>]", name)) or bool(colon and prefix not in _ALT_PREFIXES)
    elif key == "contig":
        broken = not _CONTIG_ID.fullmatch(name)
    elif key == "SAMPLE":
        broken = not _SAMPLE_ID.fullmatch(name)
    elif key in {"INFO", "FORMAT", "FILTER"}:
        broken = bool(re.search(r"[\s;=,:]" if key == "FORMAT" else r"[\s;=,]", name))
    if broken:
        rule, message = "meta_id", f"##{key} ID {shown(name)} contains a character or a prefix that it must not"
        raise BrokenRuleError(rule, message)
