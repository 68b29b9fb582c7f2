"""Which part a case belongs to, and in which order parts are imported.

Occurrences are partitioned by `part`, so that one part can be loaded, replaced and swapped alone. Members of one
patient, family, case or sequencing experiment always share a part. Every strategy has a range of `PARTS_PER_RANGE`
parts of its own. Pure: from the parts that are, the parts that should be.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from radiant.domain.case import Case, Priority
from radiant.errors import ConfigError, InputError, PartitionError

PARTS_PER_RANGE = 0x0001_0000
"""Width of a strategy's range."""
LAST_PART = 0x7FFF_FFFF
"""Highest part: the column is a signed 32-bit integer."""
BUILT_IN_PARTS = 0x0002_0000
"""First part that a configured strategy may use."""


@dataclass(frozen=True, slots=True)
class Strategy:
    """Where the parts of one experimental strategy are."""

    first_part: int
    """A multiple of `PARTS_PER_RANGE`; the range ends before the next multiple."""
    tasks_per_part: int
    """Soft limit of sequencing experiments: a new group that would exceed it opens the next part."""

    @property
    def parts(self) -> range:
        """All parts of the range."""
        return range(self.first_part, self.first_part + PARTS_PER_RANGE)


STRATEGIES: Mapping[str, Strategy] = {
    "wgs": Strategy(first_part=0x0000_0000, tasks_per_part=100),
    "wxs": Strategy(first_part=0x0001_0000, tasks_per_part=1000),
}
"""The strategies that need no configuration."""


class Kind(StrEnum):
    """What an id names."""

    PATIENT = "patient"
    FAMILY = "family"
    EXPERIMENT = "experiment"
    CASE = "case"


class Identity(NamedTuple):
    """One id that ties cases together."""

    kind: Kind
    id: str


@dataclass(frozen=True, slots=True)
class PlannedPart:
    """Cases that are imported together."""

    part: int
    priority: Priority
    """Of the most urgent case."""
    cases: tuple[int, ...]
    """Most urgent first, then by number. Removed cases, whose rows must go, come last."""


@dataclass(frozen=True, slots=True)
class BlockedCases:
    """Cases that cannot be planned, and why."""

    cases: tuple[int, ...]
    """In the order of their numbers."""
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Parts in the order in which they run, and the cases that had to stay out."""

    parts: tuple[PlannedPart, ...]
    """By urgency, then by part."""
    blocked: tuple[BlockedCases, ...]
    """By the lowest case number."""
    identities: Mapping[Identity, int]
    """The part of every id of every planned case, new ones and those known before."""


def identities(case: Case) -> frozenset[Identity]:
    """Return the ids that tie a case to others.

    A case without members (no pedigree) has its own number and one experiment `case:<number>`, so that it counts as one
    task.
    """
    found = {Identity(Kind.CASE, str(case.case_id))}
    for member in case.members:
        found.add(Identity(Kind.PATIENT, member.patient_id))
        found.add(Identity(Kind.FAMILY, member.family_id))
        found.add(Identity(Kind.EXPERIMENT, member.experiment_id))
    if not case.members:
        found.add(Identity(Kind.EXPERIMENT, f"case:{case.case_id}"))
    return frozenset(found)


def strategy_table(configured: Mapping[str, Strategy]) -> dict[str, Strategy]:
    """Return the built-in strategies and the configured ones.

    Raises:
        ConfigError: a configured range is not aligned, overlaps another, or lies outside the 32-bit column.
    """
    table = dict(STRATEGIES)
    for name, strategy in configured.items():
        taken = {other.first_part: known for known, other in table.items() if known != name}
        if name in STRATEGIES:
            problem = "is built in and cannot be moved"
        elif strategy.first_part % PARTS_PER_RANGE:
            problem = f"starts at part {strategy.first_part}, which is not a multiple of {PARTS_PER_RANGE}"
        elif not BUILT_IN_PARTS <= strategy.first_part <= LAST_PART:
            problem = f"starts at part {strategy.first_part}, outside {BUILT_IN_PARTS} to {LAST_PART}"
        elif strategy.first_part in taken:
            problem = f"starts at part {strategy.first_part}, where {taken[strategy.first_part]!r} starts"
        elif strategy.tasks_per_part < 1:
            problem = f"allows {strategy.tasks_per_part} tasks per part, fewer than 1"
        else:
            table[name] = strategy
            continue
        msg = f"strategy {name!r} {problem}: give it a range of its own in RADIANT_REGISTRY__STRATEGIES"
        raise ConfigError(msg)
    return table


def find_strategy(name: str, table: Mapping[str, Strategy]) -> Strategy:
    """Return a strategy by its name.

    Raises:
        InputError: there is none of that name.
    """
    try:
        return table[name]
    except KeyError:
        msg = (
            f"strategy {name!r} is not known; known are {', '.join(table)}. "
            "Correct it, or give it a range of parts in RADIANT_REGISTRY__STRATEGIES"
        )
        raise InputError(msg) from None


def plan(
    due: Iterable[Case],
    known: Mapping[Identity, int],
    counts: Mapping[int, int],
    *,
    removed: Mapping[int, int] | None = None,
    strategies: Mapping[str, Strategy] = STRATEGIES,
) -> Plan:
    """Give every due case a part, and the parts an order.

    Cases that share an id form one group. A group with a known id goes to that id's part, full or not. Any other group
    goes whole to the highest part in use of its strategy's range, or opens the next part if that would exceed the soft
    limit (a group above the limit has a part of its own). A group of several strategies uses the range of the one with
    the smallest limit. New groups are placed by urgency, then by their lowest case number.

    Args:
        due: Cases to import.
        known: Part of every id that was planned before; ids of other cases do no harm.
        counts: Sequencing experiments per part so far.
        removed: Part by number of the removed cases whose rows must go; they join the part, they decide nothing.
        strategies: Range and limit by name.

    Returns:
        Every due case exactly once, planned or blocked. Blocked are: a group whose ids belong to two parts, one that
        would need a part beyond its range, one of an unknown strategy.
    """
    filled = defaultdict(int, counts)
    planned: dict[int, list[Case]] = defaultdict(list)
    blocked: list[BlockedCases] = []
    placed: dict[Identity, int] = {}
    for group in sorted(_groups(due), key=_urgency):
        ids = {identity for case in group for identity in identities(case)}
        try:
            part = _part_of(group, ids, known, filled, strategies)
        except (PartitionError, InputError) as error:
            blocked.append(BlockedCases(tuple(sorted(case.case_id for case in group)), str(error)))
            continue
        filled[part] += sum(1 for one in ids if one.kind is Kind.EXPERIMENT and one not in known)
        planned[part] += group
        placed.update(dict.fromkeys(ids, part))
    gone: dict[int, list[int]] = defaultdict(list)
    for case_id, part in sorted((removed or {}).items()):
        gone[part].append(case_id)
    parts = [_planned_part(part, planned.get(part, []), gone.get(part, [])) for part in {*planned, *gone}]
    return Plan(
        parts=tuple(sorted(parts, key=lambda one: (one.priority.rank, one.part))),
        blocked=tuple(sorted(blocked, key=lambda one: one.cases)),
        identities=placed,
    )


def _groups(due: Iterable[Case]) -> Iterable[list[Case]]:
    """Union-find over the ids: cases that share one, directly or through others, come together."""
    cases = {case.case_id: case for case in due}
    parent = {case_id: case_id for case_id in cases}

    def root(case_id: int) -> int:
        while parent[case_id] != case_id:
            parent[case_id] = parent[parent[case_id]]
            case_id = parent[case_id]
        return case_id

    first: dict[Identity, int] = {}
    for case in cases.values():
        for identity in identities(case):
            parent[root(case.case_id)] = root(first.setdefault(identity, case.case_id))
    groups: dict[int, list[Case]] = defaultdict(list)
    for case in cases.values():
        groups[root(case.case_id)].append(case)
    return groups.values()


def _urgency(cases: Collection[Case]) -> tuple[int, int]:
    return min(case.priority.rank for case in cases), min(case.case_id for case in cases)


def _part_of(
    group: Collection[Case],
    ids: Collection[Identity],
    known: Mapping[Identity, int],
    filled: Mapping[int, int],
    strategies: Mapping[str, Strategy],
) -> int:
    # An unknown strategy is found here even where a known id makes its range irrelevant.
    found = {case.strategy: find_strategy(case.strategy, strategies) for case in group}
    by_part: dict[int, Counter[Kind]] = defaultdict(Counter)
    for identity in sorted(ids):
        if identity in known:
            by_part[known[identity]][identity.kind] += 1
    if len(by_part) > 1:
        sides = "; ".join(
            f"part {part}: {', '.join(f'{kind} {count}' for kind, count in there.items())}"
            for part, there in sorted(by_part.items())
        )
        msg = (
            f"ids that must share a part already belong to {len(by_part)} ({sides}). `radiant cases show` lists the "
            "ids of a case with their parts. Correct the pedigree if two people share an id by mistake; else remove "
            "the cases of one part, run import-radiant so that their rows go, and add them again"
        )
        raise PartitionError(msg)
    if by_part:
        return next(iter(by_part))
    name, strategy = min(found.items(), key=lambda item: (item[1].tasks_per_part, item[1].first_part))
    size = sum(1 for one in ids if one.kind is Kind.EXPERIMENT)
    return _open_part(name, strategy, size, filled)


def _open_part(name: str, strategy: Strategy, size: int, filled: Mapping[int, int]) -> int:
    parts = strategy.parts
    current = max((part for part, tasks in filled.items() if tasks and part in parts), default=None)
    if current is None:
        return parts.start
    if filled[current] + size <= strategy.tasks_per_part:
        return current
    if current + 1 not in parts:
        msg = (
            f"strategy {name!r} has no part left: its {PARTS_PER_RANGE} parts end at {parts.stop - 1}, which is full "
            f"({filled[current]} of {strategy.tasks_per_part} tasks). "
            "Configure a further strategy in RADIANT_REGISTRY__STRATEGIES for new cases"
        )
        raise PartitionError(msg)
    return current + 1


def _planned_part(part: int, cases: Collection[Case], gone: Collection[int]) -> PlannedPart:
    ordered = sorted(cases, key=lambda case: (case.priority.rank, case.case_id))
    return PlannedPart(
        part=part,
        priority=min((case.priority for case in ordered), key=lambda one: one.rank, default=Priority.ROUTINE),
        cases=(*(case.case_id for case in ordered), *gone),
    )
