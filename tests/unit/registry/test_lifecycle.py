import datetime as dt

import pytest

from radiant.domain.case import CaseState
from radiant.registry.lifecycle import CLAIM, HELD, PLAN, TRANSITIONS, why_not_free
from radiant.registry.model import CaseRow

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
LATER = NOW + dt.timedelta(hours=1)


def case(state, run=None, until=LATER):
    return CaseRow(case_id=7, state=state, run=run, lease_until=until if state in HELD else None)


def test_every_state_is_reached_and_left_by_a_transition():
    assert {one.to for one in TRANSITIONS} == set(CaseState)
    assert {state for one in TRANSITIONS for state in one.of} == set(CaseState)


@pytest.mark.parametrize("step", [PLAN, CLAIM])
@pytest.mark.parametrize("state", sorted(set(CaseState) - set(HELD)))
def test_a_case_without_a_lease_is_free(step, state):
    assert why_not_free(case(state), step, "run-a", NOW) is None


@pytest.mark.parametrize(
    ("step", "state", "own", "free"),
    [
        (PLAN, CaseState.ASSIGNED, True, True),
        (PLAN, CaseState.ASSIGNED, False, False),
        (PLAN, CaseState.IMPORTING, True, False),
        (PLAN, CaseState.IMPORTING, False, False),
        (CLAIM, CaseState.ASSIGNED, True, True),
        (CLAIM, CaseState.ASSIGNED, False, True),
        (CLAIM, CaseState.IMPORTING, True, True),
        (CLAIM, CaseState.IMPORTING, False, False),
    ],
)
def test_a_lease_refuses_what_the_table_does_not_take_over(step, state, own, free):
    row = case(state, "run-a")
    reason = why_not_free(row, step, "run-a" if own else "run-b", NOW)
    assert (reason is None) is free
    if reason is not None:
        assert reason == (
            f"case 7 is {state} by run run-a until 2026-01-01 01:00 UTC; wait for it, or for the end of its lease"
        )
    assert why_not_free(row, step, "run-b", LATER) is None, "its lease ended"
