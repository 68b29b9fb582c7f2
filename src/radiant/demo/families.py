"""The members of a demo family: sexes, affected status, and which genomes are in the VCF.

Names count from the family's number (`FAM0001-F01` is its first person) and refer to no real person.
"""

from dataclasses import dataclass

from radiant.domain.case import Affected, Member, Sex


@dataclass(frozen=True, slots=True)
class Child:
    """One child of a demo family."""

    sex: Sex
    affected: bool


@dataclass(frozen=True, slots=True)
class FamilyKind:
    """The shape of a family and the story that its affected members share."""

    name: str
    """For readers of the code; it is in no file."""
    children: tuple[Child, ...]
    """The proband first."""
    mother: bool
    """Whether the mother's genome is in the VCF."""
    father: bool
    """Whether the father's genome is in the VCF."""
    affected_parent: str | None = None
    """`mother` or `father` when the family's disease is dominant and that parent has it."""


_SON = Child(Sex.MALE, affected=True)
_DAUGHTER = Child(Sex.FEMALE, affected=True)
_BROTHER = Child(Sex.MALE, affected=False)
_SISTER = Child(Sex.FEMALE, affected=False)

KINDS: tuple[FamilyKind, ...] = (
    FamilyKind("trio", (_SON,), mother=True, father=True),
    FamilyKind("quad", (_DAUGHTER, _BROTHER), mother=True, father=True),
    FamilyKind("duo-mother", (_SON,), mother=True, father=False),
    FamilyKind("solo", (_DAUGHTER,), mother=False, father=False),
    FamilyKind("trio-dominant", (_DAUGHTER,), mother=True, father=True, affected_parent="father"),
    FamilyKind("quad-two-affected", (_SON, _DAUGHTER), mother=True, father=True),
    FamilyKind("duo-father", (_DAUGHTER,), mother=False, father=True),
    FamilyKind("solo", (_SON,), mother=False, father=False),
    FamilyKind("quad-dominant", (_SON, _SISTER), mother=True, father=True, affected_parent="mother"),
)
"""Family n has kind n, from 1; after the last kind the first one follows."""


@dataclass(frozen=True, slots=True)
class Family:
    """One demo family."""

    number: int
    """From 1."""
    kind: FamilyKind
    members: tuple[Member, ...]
    """Those in the VCF, in its column order: children (the proband first), mother, father."""

    @property
    def name(self) -> str:
        """`FAM0001`."""
        return family_name(self.number)


def family_name(number: int) -> str:
    """Return the family id and folder name of the family with this number."""
    return f"FAM{number:04d}"


def family(number: int) -> Family:
    """Return the family with this number, from 1."""
    kind = KINDS[(number - 1) % len(KINDS)]
    name = family_name(number)
    children = [f"{name}-F{index:02d}" for index in range(1, len(kind.children) + 1)]
    mother = f"{name}-F{len(children) + 1:02d}" if kind.mother else None
    father = f"{name}-F{len(children) + 1 + kind.mother:02d}" if kind.father else None

    def member(sample: str, sex: Sex, *, affected: bool, child: bool) -> Member:
        return Member(
            sample=sample,
            family_id=name,
            father=father if child else None,
            mother=mother if child else None,
            sex=sex,
            affected=Affected.AFFECTED if affected else Affected.UNAFFECTED,
            patient_id=f"{name}:{sample}",
            experiment_id=f"{name}:{sample}",
            is_proband=sample == children[0],
        )

    members = [
        member(sample, person.sex, affected=person.affected, child=True)
        for sample, person in zip(children, kind.children, strict=True)
    ]
    if mother:
        members.append(member(mother, Sex.FEMALE, affected=kind.affected_parent == "mother", child=False))
    if father:
        members.append(member(father, Sex.MALE, affected=kind.affected_parent == "father", child=False))
    return Family(number, kind, tuple(members))


def ped_text(members: tuple[Member, ...]) -> str:
    """Return the pedigree in PED format: family, individual, father, mother, sex (1, 2), affected (2, 1)."""
    sexes = {Sex.MALE: "1", Sex.FEMALE: "2", Sex.UNKNOWN: "0"}
    statuses = {Affected.AFFECTED: "2", Affected.UNAFFECTED: "1", Affected.UNKNOWN: "0"}
    return "".join(
        "\t".join(
            (
                member.family_id,
                member.sample,
                member.father or "0",
                member.mother or "0",
                sexes[member.sex],
                statuses[member.affected],
            )
        )
        + "\n"
        for member in members
    )
