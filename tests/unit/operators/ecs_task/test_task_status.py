import datetime as dt

import pytest

from radiant.jobs.usage import Placement
from radiant.operators.ecs_task.task_status import task_status
from radiant.operators.platform import State

BEGAN = dt.datetime(2031, 2, 3, 4, 5, 6, tzinfo=dt.UTC)
DONE = BEGAN + dt.timedelta(seconds=60)
EXITED = {"stopCode": "EssentialContainerExited", "stoppedReason": "Essential container in task exited"}


def ended(stop, code=None, reason=None, *, started=True):
    container = {"name": "radiant", "lastStatus": "STOPPED"}
    container |= {} if code is None else {"exitCode": code}
    container |= {} if reason is None else {"reason": reason}
    times = {"startedAt": BEGAN} if started else {}
    sidecar = {"name": "sidecar", "exitCode": 0, "reason": "OutOfMemoryError"}
    return task_status(
        {"lastStatus": "STOPPED", "containers": [sidecar, container], "stoppedAt": DONE, **times, **stop}, "radiant"
    )


def not_started(words):
    return ended({"stopCode": "TaskFailedToStart", "stoppedReason": words}, started=False)


@pytest.mark.parametrize("status", ["PROVISIONING", "PENDING", "ACTIVATING"])
def test_a_task_on_its_way_up_is_starting(status):
    assert task_status({"lastStatus": status, "capacityProviderName": "FARGATE"}, "radiant").state is State.STARTING


def test_a_task_that_waits_for_an_instance_waits_for_capacity():
    look = task_status({"lastStatus": "PROVISIONING", "capacityProviderName": "instances"}, "radiant")
    assert (look.state, look.reason) == (State.WAITING, "NoCapacity")


def test_a_running_task_began_when_ecs_says():
    look = task_status({"lastStatus": "RUNNING", "startedAt": BEGAN}, "radiant")
    assert (look.state, look.started_at) == (State.RUNNING, BEGAN.timestamp())


@pytest.mark.parametrize("status", ["DEACTIVATING", "STOPPING", "DEPROVISIONING"])
def test_the_time_on_its_way_down_is_not_the_job_s(status):
    look = task_status({"lastStatus": status, "startedAt": BEGAN}, "radiant")
    assert (look.state, look.started_at) == (State.RUNNING, None)


@pytest.mark.parametrize("code", [0, 1, 65, 70, 75, 78])
def test_a_job_that_ended_by_itself_has_its_exit_code_and_no_name(code):
    look = ended(EXITED, code)
    assert (look.state, look.reason, look.exit_code) == (State.ENDED, None, code)
    assert (look.started_at, look.finished_at) == (BEGAN.timestamp(), DONE.timestamp())


def test_the_end_of_the_container_counts_where_ecs_reports_it():
    look = ended(EXITED | {"executionStoppedAt": BEGAN + dt.timedelta(seconds=7)}, 0)
    assert look.finished_at == BEGAN.timestamp() + 7


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (137, "OutOfMemoryError: Container killed due to memory usage"),
        (137, None),
        (1, "OutOfMemoryError: Container killed due to memory usage"),
        (None, "OutOfMemoryError: Container killed due to memory usage"),
    ],
)
def test_out_of_memory_is_known_by_the_container_s_reason_or_by_a_sigkill_without_a_stop(code, reason):
    look = ended(EXITED, code, reason)
    assert (look.reason, look.hopeless) == ("OutOfMemory", False)


@pytest.mark.parametrize(
    "stop",
    [
        {"stopCode": "SpotInterruption", "stoppedReason": "Your Spot Task was interrupted."},
        {"stopCode": "TerminationNotice", "stoppedReason": "Your Spot Task was interrupted."},
        {"stopCode": "", "stoppedReason": "Host EC2 (instance i-0123456789abcdef0) terminated."},
    ],
)
@pytest.mark.parametrize("code", [None, 75, 137, 143])
def test_capacity_that_was_taken_away_is_an_interruption_however_the_container_ended(stop, code):
    assert ended(stop, code).reason == "SpotInterrupted"


def test_a_job_that_was_done_before_its_capacity_was_taken_away_is_done():
    assert ended({"stopCode": "SpotInterruption", "stoppedReason": "Your Spot Task was interrupted."}, 0).reason is None


@pytest.mark.parametrize("name", ["Timeout", "KilledByUser"])
def test_a_stop_of_ours_keeps_its_name_for_later_looks(name):
    look = ended({"stopCode": "UserInitiated", "stoppedReason": f"radiant: {name}"}, 137)
    assert (look.reason, look.detail) == (name, "")


def test_a_stop_from_outside_is_lost_and_is_named():
    look = ended({"stopCode": "UserInitiated", "stoppedReason": "Task stopped by user"}, 143)
    assert look.reason == "Lost"
    assert look.detail == "The ECS task was stopped from outside. Task stopped by user."


def test_a_container_that_left_no_exit_code_is_lost():
    assert ended({"stopCode": "InfrastructureHealth", "stoppedReason": "Host unhealthy"}).reason == "Lost"


@pytest.mark.parametrize(
    ("words", "hopeless"),
    [
        ("CannotPullContainerError: pull image manifest has been retried 1 time(s): r/i:1: not found", True),
        ("CannotPullContainerError: pull access denied for r/i, repository does not exist", True),
        ("CannotPullImageManifestError: Error response from daemon: manifest unknown", True),
        (
            "CannotPullContainerError: error pulling image: toomanyrequests: You have reached your pull rate limit",
            False,
        ),
        ("CannotPullContainerError: dial tcp 10.0.0.1:443: i/o timeout", False),
    ],
)
def test_an_image_that_cannot_be_pulled_fails_at_once_unless_it_may_pass(words, hopeless):
    look = not_started(words)
    assert (look.reason, look.hopeless, look.started_at) == ("ImagePull", hopeless, None)
    assert look.detail == f"{words}."


@pytest.mark.parametrize(
    ("words", "hopeless"),
    [
        ("ResourceInitializationError: unable to pull secrets or registry auth: AccessDeniedException: User", True),
        ("ResourceInitializationError: failed to validate logger args: The specified log group does not exist.", True),
        ('CannotStartContainerError: exec: "radiant-worker": executable file not found in $PATH', True),
        ("CannotStartContainerError: exec /usr/bin/radiant-worker: exec format error", True),
        ("Timeout waiting for network interface provisioning to complete.", False),
        ("ContainerRuntimeTimeoutError: Could not transition to running; timed out after waiting 1m", False),
    ],
)
def test_a_task_that_cannot_start_fails_at_once_where_time_does_not_help(words, hopeless):
    look = not_started(words)
    assert (look.reason, look.hopeless) == ("StartFailed", hopeless)


@pytest.mark.parametrize(
    "words",
    [
        "Capacity is unavailable at this time. Please try again later or in a different availability zone",
        "You've reached the limit on the number of vCPUs you can run concurrently",
    ],
)
def test_a_task_that_found_no_room_waits_for_capacity(words):
    look = not_started(words)
    assert (look.reason, look.hopeless, look.started_at) == ("NoCapacity", False, None)


def test_the_words_of_a_start_may_be_the_container_s():
    look = ended({"stopCode": "TaskFailedToStart"}, reason="CannotPullContainerError: x: not found", started=False)
    assert look.reason == "ImagePull"


def test_a_signal_is_a_negative_exit_code():
    assert ended(EXITED, 139).exit_code == -11


@pytest.mark.parametrize(
    ("task", "placement", "placed"),
    [
        (
            {"capacityProviderName": "FARGATE_SPOT", "availabilityZone": "eu-west-1a", "createdAt": BEGAN,
             "attributes": [{"name": "ecs.cpu-architecture", "value": "arm64"}]},
            Placement("ecs", zone="eu-west-1a", architecture="arm64", capacity="FARGATE_SPOT", spot=True), BEGAN,
        ),
        ({"launchType": "FARGATE", "createdAt": BEGAN}, Placement("ecs", capacity="FARGATE", spot=False), BEGAN),
        (
            {"capacityProviderName": "instances", "containerInstanceArn": "arn:aws:ecs:r:1:container-instance/c/abc",
             "createdAt": BEGAN, "pullStartedAt": DONE},
            Placement("ecs", node="abc", capacity="instances"), DONE,
        ),
    ],
)  # fmt: skip
def test_the_place_of_a_task_is_in_its_description(task, placement, placed):
    look = task_status({"lastStatus": "RUNNING", "startedAt": DONE, **task}, "radiant")
    assert (look.placement, look.placed_at) == (placement, placed.timestamp())
