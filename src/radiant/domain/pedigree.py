"""PED text -> the members of a case.

One person per line, six columns separated by tabs or by blanks: family, individual, father, mother, sex, phenotype.
Further columns are ignored unless a header line names them. A header is a line before the first person that starts with
`#family_id` (or `#fid`, `#family`, ...), with or without the `#`; without it, its fifth column is `sex` or `gender`,
which no person's is. It may name `patient_id` and `experiment_id` after the sixth column. Any other line that starts
with `#`, and an empty line, is a comment.

Where a line holds a tab, columns are separated by single tabs, so that a name may hold a blank.

Source: PLINK 1.9 file formats, `.fam` and `.ped` (https://www.cog-genomics.org/plink/1.9/formats#fam).
"""

import dataclasses
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from radiant.domain.case import Affected, Member, Sex
from radiant.errors import PedigreeError

_COLUMNS = ("family", "individual", "father", "mother", "sex", "phenotype")
_EXTRA_COLUMNS = ("patient_id", "experiment_id")
_HEADER_STARTS = frozenset({"fid", "fam", "family", "familyid", "kindred", "kindredid", "pedigree", "pedigreeid"})
_NO_INDIVIDUAL = frozenset({"0", ".", "-9"})
_SEXES = {
    **dict.fromkeys(("1", "m", "male"), Sex.MALE),
    **dict.fromkeys(("2", "f", "female"), Sex.FEMALE),
    **dict.fromkeys(("0", "-9", "-1", ".", "na", "u", "unknown", "other"), Sex.UNKNOWN),
}
_PHENOTYPES = {
    **dict.fromkeys(("2", "affected"), Affected.AFFECTED),
    **dict.fromkeys(("1", "unaffected"), Affected.UNAFFECTED),
    **dict.fromkeys(("0", "-9", ".", "na", "unknown"), Affected.UNKNOWN),
}
MAX_BYTES = 1 << 20
"""Of a PED file."""
_MOST_PEOPLE = 1000
_LINE_END = re.compile(r"\r\n|\n|\r")
_NO_SEPARATORS = str.maketrans("", "", "_-. ")
_BLANKS = re.compile(r"[ \t]+")


@dataclass(frozen=True, slots=True)
class _Line:
    """One person's line."""

    number: int
    """From 1."""
    person: Member
    """`is_proband` is not decided yet."""


def parse_pedigree(text: str, name: str, proband: str | None = None) -> tuple[Member, ...]:
    """Read the members of one case.

    The proband is: the member named by `proband`; else the first affected member with a parent who has a line; else the
    first affected member with a parent; else the first affected member; else the first member with a parent who has a
    line; else the first with a parent; else the first member. First is by the order of the file.

    Args:
        text: Content of the PED file; a byte order mark and any line ends are fine.
        name: The file's name, for messages.
        proband: Individual id of the proband, where the person states it.

    Returns:
        Members in the order of the file. A parent without a line is a person who was not sequenced; the id is kept.

    Raises:
        PedigreeError: too few columns, an unknown sex or phenotype code, the same individual twice, two families, a
            father who is female, a mother who is male, one person as both parents, a person as their own ancestor,
            no line at all, more than 1,000 people, or a `proband` who has no line. The message names file and line.
    """
    lines = list(_read_lines(text, name))
    if not lines:
        msg = (
            f"{name}: has no line for a person. "
            f"A PED file has one line per person with the columns {', '.join(_COLUMNS)}"
        )
        raise PedigreeError(msg)
    if len(lines) > _MOST_PEOPLE:
        msg = f"{name}: has {len(lines)} people, a family at most {_MOST_PEOPLE}. Write one PED file for each family"
        raise PedigreeError(msg)
    _check_family(lines, name)
    _check_duplicates(lines, name)
    _check_parents(lines, name)
    _check_loops(lines, name)
    members = [line.person for line in lines]
    chosen = _find_proband(members, name, proband)
    return tuple(dataclasses.replace(member, is_proband=member.sample == chosen) for member in members)


def pedigree_digest(members: Iterable[Member]) -> str:
    """Return the sha256 of the members, in lower-case hexadecimal; comments and layout do not count."""
    stated = [dataclasses.asdict(member) for member in members]
    return hashlib.sha256(json.dumps(stated, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


def _read_lines(text: str, name: str) -> Iterator[_Line]:
    extra: dict[str, int] = {}
    seen_person = False
    for number, raw in enumerate(_LINE_END.split(text.removeprefix("\ufeff")), start=1):
        line = raw.strip(" \t")
        if not line:
            continue
        if line.startswith("#") or (not seen_person and _is_bare_header(raw)):
            if not seen_person:
                extra = _read_header(line, extra, f"{name}, line {number}")
            continue
        seen_person = True
        # The tabs at a line's end are empty columns, so the line is split before it is stripped.
        yield _Line(number, _read_person(_split(raw), extra, f"{name}, line {number}"))


def _split(line: str) -> list[str]:
    if "\t" in line:
        columns = [column.strip(" ") for column in line.split("\t")]
        if len(columns) >= len(_COLUMNS):
            return columns
    return _BLANKS.split(line.strip(" \t"))


def _is_bare_header(line: str) -> bool:
    """Return whether a line without `#` names the columns (`FID IID fatid matid sex y1`)."""
    names = [_plain(column) for column in _split(line)]
    return len(names) >= len(_COLUMNS) and names[0] in _HEADER_STARTS and names[4] in {"sex", "gender"}


def _read_header(line: str, known: dict[str, int], where: str) -> dict[str, int]:
    names = [_plain(column) for column in _split(line.lstrip("# \t"))]
    if not names or names[0] not in _HEADER_STARTS:
        return known
    found: dict[str, int] = {}
    for column in _EXTRA_COLUMNS:
        places = [place for place, one in enumerate(names) if one == _plain(column)]
        if len(places) > 1:
            msg = f"{where}: names the column {column} {len(places)} times. Name it once"
            raise PedigreeError(msg)
        if places and places[0] < len(_COLUMNS):
            msg = (
                f"{where}: {column} is column {places[0] + 1}. The first {len(_COLUMNS)} columns are "
                f"{', '.join(_COLUMNS)}; put {column} after them"
            )
            raise PedigreeError(msg)
        if places:
            found[column] = places[0]
    return found


def _plain(name: str) -> str:
    return name.lower().translate(_NO_SEPARATORS)


def _read_person(columns: Sequence[str], extra: dict[str, int], where: str) -> Member:
    if len(columns) < len(_COLUMNS):
        msg = (
            f"{where}: has {len(columns)} columns, {len(_COLUMNS)} are needed: {', '.join(_COLUMNS)}. "
            "Separate them by tabs or blanks; write 0 for an unknown parent"
        )
        raise PedigreeError(msg)
    for column, value in zip(_COLUMNS, columns, strict=False):
        if not value:
            msg = f"{where}: the column {column} is empty. Write 0 for an unknown value"
            raise PedigreeError(msg)
    family, sample, father, mother, sex, phenotype = columns[: len(_COLUMNS)]
    if sample in _NO_INDIVIDUAL:
        msg = f"{where}: {sample!r} cannot name an individual, it means none. Write the sample's name in the VCF"
        raise PedigreeError(msg)
    if sex.lower() not in _SEXES:
        msg = f"{where}: the sex is {sex!r}. It must be 1 (male), 2 (female) or 0 (unknown)"
        raise PedigreeError(msg)
    if phenotype.lower() not in _PHENOTYPES:
        msg = f"{where}: the phenotype is {phenotype!r}. It must be 2 (affected), 1 (unaffected), 0 or -9 (unknown)"
        raise PedigreeError(msg)
    default = f"{family}:{sample}"
    stated = {
        column: columns[place] for column, place in extra.items() if place < len(columns) and columns[place] != "."
    }
    return Member(
        sample=sample,
        family_id=family,
        father=None if father in _NO_INDIVIDUAL else father,
        mother=None if mother in _NO_INDIVIDUAL else mother,
        sex=_SEXES[sex.lower()],
        affected=_PHENOTYPES[phenotype.lower()],
        patient_id=stated.get("patient_id") or default,
        experiment_id=stated.get("experiment_id") or default,
        is_proband=False,
    )


def _check_family(lines: Sequence[_Line], name: str) -> None:
    first = lines[0]
    for line in lines[1:]:
        if line.person.family_id != first.person.family_id:
            msg = (
                f"{name}, line {line.number}: the family is {line.person.family_id!r}, "
                f"on line {first.number} it is {first.person.family_id!r}. "
                "One case is one family: write one PED file for each"
            )
            raise PedigreeError(msg)


def _check_duplicates(lines: Sequence[_Line], name: str) -> None:
    first: dict[str, int] = {}
    experiments: dict[str, int] = {}
    for line in lines:
        person = line.person
        if person.sample in first:
            msg = (
                f"{name}, line {line.number}: individual {person.sample!r} was already on line {first[person.sample]}. "
                "One person has one line: remove one of them"
            )
            raise PedigreeError(msg)
        first[person.sample] = line.number
        if person.experiment_id in experiments:
            msg = (
                f"{name}, line {line.number}: experiment_id {person.experiment_id!r} was already on line "
                f"{experiments[person.experiment_id]}. A sequencing experiment is of one sample: correct one of them"
            )
            raise PedigreeError(msg)
        experiments[person.experiment_id] = line.number


def _check_parents(lines: Sequence[_Line], name: str) -> None:
    people = {line.person.sample: line for line in lines}
    roles: dict[str, tuple[str, int]] = {}
    for line in lines:
        person = line.person
        if person.father is not None and person.father == person.mother:
            msg = (
                f"{name}, line {line.number}: {person.father!r} is both father and mother of {person.sample!r}. "
                "Write 0 for the unknown parent"
            )
            raise PedigreeError(msg)
        for role, parent, wrong in (("father", person.father, Sex.FEMALE), ("mother", person.mother, Sex.MALE)):
            if parent is None:
                continue
            there = people.get(parent)
            if there is not None and there.person.sex is wrong:
                msg = (
                    f"{name}, line {line.number}: {parent!r} is the {role} of {person.sample!r} and {wrong} on line "
                    f"{there.number}. Correct the sex, or exchange the columns father and mother"
                )
                raise PedigreeError(msg)
            before, at = roles.setdefault(parent, (role, line.number))
            if before != role:
                msg = (
                    f"{name}, line {line.number}: {parent!r} is a {role}, on line {at} a {before}. "
                    "One person is one or the other: correct one of the lines"
                )
                raise PedigreeError(msg)


def _check_loops(lines: Sequence[_Line], name: str) -> None:
    waiting = {line.person.sample: line for line in lines}
    while waiting:
        # An individual without a parent among the waiting ones is no longer a descendant of any of them.
        free = [
            sample
            for sample, line in waiting.items()
            if line.person.father not in waiting and line.person.mother not in waiting
        ]
        if not free:
            # Follow parents until an individual comes again: it is in the loop, not merely below it.
            path: list[str] = []
            sample = next(iter(waiting))
            while sample not in path:
                path.append(sample)
                person = waiting[sample].person
                sample = next(one for one in (person.father, person.mother) if one is not None and one in waiting)
            loop = [*path[path.index(sample) :], sample]
            msg = (
                f"{name}, line {waiting[sample].number}: {sample!r} is their own ancestor "
                f"(child to parent: {' -> '.join(loop)}). Correct the columns father and mother"
            )
            raise PedigreeError(msg)
        for sample in free:
            del waiting[sample]


def _find_proband(members: Sequence[Member], name: str, proband: str | None) -> str:
    samples = [member.sample for member in members]
    if proband is not None:
        if proband not in samples:
            msg = f"{name}: the proband {proband!r} has no line; the individuals are {', '.join(samples)}"
            raise PedigreeError(msg)
        return proband
    has_line = set(samples)
    affected = [member for member in members if member.affected is Affected.AFFECTED]
    for candidates in (affected, members):
        for member in candidates:
            if has_line & {member.father, member.mother}:
                return member.sample
        for member in candidates:
            if member.father is not None or member.mother is not None:
                return member.sample
        if candidates:
            return candidates[0].sample
    raise AssertionError  # unreachable: a pedigree has a member
