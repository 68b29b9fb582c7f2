"""Parts and their order."""

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radiant.domain.case import Affected, Case, Member, Priority, Sex
from radiant.domain.partition import (
    PARTS_PER_RANGE,
    STRATEGIES,
    Identity,
    Kind,
    Strategy,
    identities,
    plan,
    strategy_table,
)
from radiant.errors import ConfigError

SMALL = {"wgs": Strategy(0, 3), "wxs": Strategy(PARTS_PER_RANGE, 5)}


def member(patient, family="f", experiment=None):
    return Member(
        sample=f"s{patient}",
        family_id=family,
        father=None,
        mother=None,
        sex=Sex.UNKNOWN,
        affected=Affected.UNKNOWN,
        patient_id=patient,
        experiment_id=experiment or f"e-{patient}",
        is_proband=False,
    )


def case(case_id, *patients, family=None, strategy="wgs", priority=Priority.ROUTINE):
    members = tuple(member(patient, family or f"family-{case_id}", f"{case_id}-{patient}") for patient in patients)
    return Case(case_id, f"file:///{case_id}.vcf", strategy, priority, "GRCh38", members)


def parts(planned):
    return {part.part: part.cases for part in planned.parts}


def where(planned):
    return {case_id: part.part for part in planned.parts for case_id in part.cases}


class TestRanges:
    def test_the_ranges_of_the_built_in_strategies(self):
        assert {name: (one.first_part, one.tasks_per_part) for name, one in STRATEGIES.items()} == {
            "wgs": (0x00000000, 100),
            "wxs": (0x00010000, 1000),
        }

    def test_a_first_case_opens_the_first_part_of_its_range(self):
        assert where(plan([case(1, "a"), case(2, "b", strategy="wxs")], {}, {})) == {1: 0, 2: 0x10000}

    def test_a_full_part_opens_the_next(self):
        assert where(plan([case(1, "a")], {}, {0: 100})) == {1: 1}
        assert where(plan([case(1, "a")], {}, {0: 99})) == {1: 0}
        assert where(plan([case(1, "a", "b")], {}, {0: 99})) == {1: 1}

    def test_an_earlier_part_is_not_filled_up_again(self):
        assert where(plan([case(1, "a")], {}, {0: 1, 1: 1})) == {1: 1}

    def test_a_group_above_the_limit_has_a_part_of_its_own(self):
        assert where(plan([case(1, *"abcd"), case(2, "z")], {}, {}, strategies=SMALL)) == {1: 0, 2: 1}

    def test_a_case_without_members_counts_as_one_task(self):
        due = [case(number) for number in range(1, 5)]
        assert where(plan(due, {}, {}, strategies=SMALL)) == {1: 0, 2: 0, 3: 0, 4: 1}

    def test_the_end_of_a_range_is_an_error_and_not_the_next_strategys_part(self):
        last = PARTS_PER_RANGE - 1
        planned = plan([case(1, "a"), case(2, "b", strategy="wxs")], {}, {last: 100})
        assert where(planned) == {2: 0x10000}
        assert planned.blocked[0].cases == (1,)
        assert "strategy 'wgs' has no part left" in planned.blocked[0].reason

    def test_the_last_part_of_a_range_is_used(self):
        assert where(plan([case(1, "a")], {}, {PARTS_PER_RANGE - 2: 100})) == {1: PARTS_PER_RANGE - 1}

    def test_an_unknown_strategy_blocks_its_case_only(self):
        planned = plan([case(1, "a", strategy="panel"), case(2, "b")], {}, {})
        assert where(planned) == {2: 0}
        assert "'panel' is not known; known are wgs, wxs" in planned.blocked[0].reason

    def test_a_configured_strategy_has_its_own_range(self):
        table = strategy_table({"panel": Strategy(0x20000, 10)})
        assert where(plan([case(1, "a", strategy="panel")], {}, {}, strategies=table)) == {1: 0x20000}

    @pytest.mark.parametrize(
        "configured",
        [
            {"panel": Strategy(0x20001, 10)},
            {"panel": Strategy(0x10000, 10)},
            {"panel": Strategy(0x80000000, 10)},
            {"panel": Strategy(0x20000, 0)},
            {"wgs": Strategy(0x20000, 10)},
            {"panel": Strategy(0x20000, 10), "amplicon": Strategy(0x20000, 10)},
        ],
    )
    def test_a_range_that_is_not_its_own_is_refused(self, configured):
        with pytest.raises(ConfigError, match="RADIANT_REGISTRY__STRATEGIES"):
            strategy_table(configured)


class TestGroups:
    def test_known_ids_reuse_their_part_even_if_it_is_full(self):
        known = {Identity(Kind.PATIENT, "a"): 7}
        assert where(plan([case(1, "a")], known, {7: 100, 9: 1})) == {1: 7}

    @pytest.mark.parametrize("kind", list(Kind))
    def test_every_kind_of_id_ties_a_case_to_its_part(self, kind):
        one = case(1, "a", family="f")
        known = {next(identity for identity in identities(one) if identity.kind is kind): 4}
        assert where(plan([one], known, {4: 1})) == {1: 4}

    def test_the_same_text_as_another_kind_of_id_ties_nothing(self):
        assert where(plan([case(1, "a")], {Identity(Kind.FAMILY, "a"): 4}, {4: 1})) == {1: 4}
        assert where(plan([case(1, "a")], {Identity(Kind.FAMILY, "a"): 4}, {})) == {1: 0}

    def test_ids_that_meet_in_a_batch_are_one_group(self):
        due = [case(1, "a", "b"), case(2, "b", "c"), case(3, "c", "d"), case(4, "e", "f")]
        assert where(plan(due, {}, {}, strategies=SMALL)) == {1: 0, 2: 0, 3: 0, 4: 1}

    def test_a_chain_through_a_known_id_pulls_the_whole_group(self):
        due = [case(1, "a", "b"), case(2, "b", "c")]
        assert where(plan(due, {Identity(Kind.PATIENT, "c"): 7}, {})) == {1: 7, 2: 7}

    def test_two_existing_parts_block_that_group_only_and_the_reason_counts_ids_without_naming_them(self):
        known = {Identity(Kind.PATIENT, "a"): 0, Identity(Kind.PATIENT, "b"): 1}
        planned = plan([case(1, "a", "b"), case(2, "c")], known, {0: 1, 1: 1})
        assert where(planned) == {2: 1}
        assert planned.blocked[0].cases == (1,)
        assert "(part 0: patient 1; part 1: patient 1). `radiant cases show` lists" in planned.blocked[0].reason

    def test_a_group_of_two_strategies_uses_the_range_of_the_smaller_limit(self):
        assert where(plan([case(1, "a", strategy="wxs"), case(2, "a")], {}, {})) == {1: 0, 2: 0}

    def test_every_id_of_a_planned_case_gets_its_part(self):
        one = case(1, "a", "b")
        assert plan([one], {}, {}).identities == dict.fromkeys(identities(one), 0)


class TestOrder:
    def test_a_part_is_as_urgent_as_its_most_urgent_case(self):
        due = [
            case(1, "a", strategy="wgs"),
            case(2, "b", strategy="wxs"),
            case(3, "c", strategy="wxs", priority=Priority.STAT),
        ]
        planned = plan(due, {}, {})
        assert [(part.part, part.priority, part.cases) for part in planned.parts] == [
            (0x10000, Priority.STAT, (3, 2)),
            (0, Priority.ROUTINE, (1,)),
        ]

    def test_equally_urgent_parts_run_in_the_order_of_their_numbers(self):
        due = [case(1, "a", strategy="wxs"), case(2, "b")]
        assert [part.part for part in plan(due, {}, {}).parts] == [0, 0x10000]

    def test_the_most_urgent_group_is_placed_first(self):
        due = [case(1, *"abc"), case(2, "x", priority=Priority.STAT)]
        assert where(plan(due, {}, {}, strategies=SMALL)) == {2: 0, 1: 1}

    def test_removed_cases_join_their_part_and_decide_nothing(self):
        planned = plan([case(5, "a")], {}, {}, removed={3: 0, 9: 12})
        assert parts(planned) == {0: (5, 3), 12: (9,)}
        assert planned.parts[1].priority is Priority.ROUTINE

    def test_nothing_due_is_an_empty_plan(self):
        planned = plan([], {}, {})
        assert (planned.parts, planned.blocked) == ((), ())


patients = st.sampled_from([f"p{number}" for number in range(12)])
cases = st.lists(
    st.builds(
        case,
        st.integers(1, 40),
        patients,
        patients,
        strategy=st.sampled_from(["wgs", "wxs", "unheard"]),
        priority=st.sampled_from(Priority),
    ),
    max_size=15,
    unique_by=lambda one: one.case_id,
)
placements = st.dictionaries(
    st.builds(Identity, st.just(Kind.PATIENT), patients),
    st.sampled_from([0, 1, 2, PARTS_PER_RANGE - 1, PARTS_PER_RANGE, PARTS_PER_RANGE + 1]),
    max_size=6,
)


def counts_of(known):
    counts = defaultdict(int)
    for part in known.values():
        counts[part] += 3
    return counts


class TestProperties:
    @given(cases, placements)
    def test_every_case_is_planned_or_blocked_exactly_once(self, due, known):
        planned = plan(due, known, counts_of(known), strategies=SMALL)
        found = [case_id for part in planned.parts for case_id in part.cases]
        found += [case_id for blocked in planned.blocked for case_id in blocked.cases]
        assert sorted(found) == sorted(one.case_id for one in due)

    @given(cases, placements)
    def test_cases_that_share_an_id_share_a_part_or_are_blocked_together(self, due, known):
        planned = plan(due, known, counts_of(known), strategies=SMALL)
        place = where(planned)
        for one in due:
            for other in due:
                if identities(one) & identities(other):
                    assert place.get(one.case_id) == place.get(other.case_id)

    @given(cases, placements)
    def test_a_known_id_never_changes_its_part(self, due, known):
        planned = plan(due, known, counts_of(known), strategies=SMALL)
        for identity, part in planned.identities.items():
            assert known.get(identity, part) == part

    @given(cases, placements)
    def test_a_new_group_stays_in_a_range_of_its_own_strategies(self, due, known):
        planned = plan(due, known, counts_of(known), strategies=SMALL)
        for part in planned.parts:
            strategies = {one.strategy for one in due if one.case_id in part.cases}
            reused = any(identity in known for one in due if one.case_id in part.cases for identity in identities(one))
            assert reused or any(part.part in SMALL[name].parts for name in strategies)

    @given(cases, placements)
    def test_no_part_that_is_newly_used_holds_more_than_its_limit_unless_one_group_does(self, due, known):
        counts = counts_of(known)
        planned = plan(due, known, counts, strategies=SMALL)
        filled = defaultdict(set)
        for identity, part in planned.identities.items():
            if identity.kind is Kind.EXPERIMENT:
                filled[part].add(identity)
        for part, experiments in filled.items():
            if part not in counts and part not in known.values():
                limit = next(one.tasks_per_part for one in SMALL.values() if part in one.parts)
                assert len(experiments) <= limit or _is_one_group(
                    [one for one in due if where(planned).get(one.case_id) == part]
                )

    @given(cases, placements)
    def test_the_order_of_the_cases_does_not_matter(self, due, known):
        counts = counts_of(known)
        assert plan(due, known, counts, strategies=SMALL) == plan(due[::-1], known, counts, strategies=SMALL)

    @given(cases, placements)
    def test_planning_what_was_planned_changes_nothing(self, due, known):
        first = plan(due, known, counts_of(known), strategies=SMALL)
        again = plan(
            [one for one in due if one.case_id in where(first)],
            {**known, **first.identities},
            counts_of(known),
            strategies=SMALL,
        )
        assert where(again) == where(first)

    @given(cases, placements)
    def test_parts_are_ordered_by_urgency_then_number(self, due, known):
        planned = plan(due, known, counts_of(known), strategies=SMALL)
        order = [(part.priority.rank, part.part) for part in planned.parts]
        assert order == sorted(order)
        by_id = {one.case_id: one for one in due}
        for part in planned.parts:
            assert part.priority is min((by_id[one].priority for one in part.cases), key=lambda one: one.rank)


def _is_one_group(members):
    remaining = list(members)
    reached = identities(remaining.pop()) if remaining else frozenset()
    while remaining:
        tied = [one for one in remaining if identities(one) & reached]
        if not tied:
            return False
        for one in tied:
            reached |= identities(one)
            remaining.remove(one)
    return True
