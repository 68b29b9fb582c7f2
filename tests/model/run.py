"""Runs a state machine: the same sequences in every `make test`, or new ones for as long as is asked for."""

import time

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

STEPS = 40
"""At most in one sequence."""
_ROUND = 50
"""Sequences between two looks at the time."""


def run(life, minutes):
    """Run sequences of steps; raises with the shortest one that breaks a promise."""
    # The `explain` phase traces each line, which greenlets do not survive; a sequence may be slow on a busy machine.
    fixed = settings(
        stateful_step_count=STEPS,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
        database=None,
        print_blob=True,
    )
    before = life.steps_run
    if not minutes:
        run_state_machine_as_test(life, settings=fixed)
        assert life.steps_run - before > fixed.max_examples * STEPS / 4
        return
    until = time.monotonic() + minutes * 60
    while time.monotonic() < until:
        run_state_machine_as_test(life, settings=settings(fixed, derandomize=False, max_examples=_ROUND))
        print(f"{life.__name__}: {life.steps_run - before} steps, no promise is broken", flush=True)  # noqa: T201
