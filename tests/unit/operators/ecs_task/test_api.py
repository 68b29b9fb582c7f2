import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ReadTimeoutError,
)

from radiant.errors import JobNotYetError, JobRefusedError, PlatformUnavailableError
from radiant.operators.ecs_task.api import asking, not_started


def error(code, message="", status=400):
    answer = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    answer["ResponseMetadata"]["RequestId"] = "1"
    return ClientError(answer, "RunTask")


@pytest.mark.parametrize(
    "raised",
    [
        error("ThrottlingException", "Rate exceeded"),
        error("RequestLimitExceeded"),
        # ECS wraps the throttling of the services behind it.
        error(
            "InvalidParameterException",
            "Error retrieving subnet information for [subnet-1]: Rate exceeded (ErrorCode: Throttling)",
        ),
    ],
)
def test_throttling_is_known_also_in_the_clothes_of_another_error(raised):
    found = not_started(raised)
    assert isinstance(found, PlatformUnavailableError)
    assert found.reason == "Throttled"


@pytest.mark.parametrize(
    "raised",
    [
        error("ServerException", "Service Unavailable"),
        error("InternalFailure", status=500),
        error("ExpiredTokenException", "The security token included in the request is expired"),
        EndpointConnectionError(endpoint_url="https://ecs"),
        ReadTimeoutError(endpoint_url="https://ecs"),
    ],
)
def test_no_answer_is_asked_again(raised):
    assert isinstance(not_started(raised), PlatformUnavailableError)


@pytest.mark.parametrize(
    "message",
    [
        "You've reached the limit on the number of tasks you can run concurrently",
        "You've reached the limit of tasks in the PROVISIONING state",
        "No Container Instances were found in your cluster.",
    ],
)
def test_a_used_up_quota_waits_for_room(message):
    found = not_started(error("ClientException", message))
    assert isinstance(found, JobNotYetError)
    assert found.reason == "NoCapacity"


@pytest.mark.parametrize(
    ("raised", "remedy"),
    [
        (error("AccessDeniedException", "not authorized to perform: iam:PassRole"), "iam:PassRole included"),
        (error("ClusterNotFoundException", "Cluster not found."), "RADIANT_ECS__CLUSTER"),
        (error("PlatformUnknownException", "unknown"), "RADIANT_ECS__PLATFORM_VERSION"),
        (error("InvalidParameterException", "subnets can not be empty."), "radiant ecs doctor"),
        (error("ClientException", "TaskDefinition not found."), "radiant ecs doctor"),
        (NoCredentialsError(), "RADIANT_ECS__CONN_ID"),
        (NoRegionError(), "AWS_DEFAULT_REGION"),
    ],
)
def test_what_never_starts_is_refused_with_its_remedy(raised, remedy):
    found = not_started(raised)
    assert isinstance(found, JobRefusedError)
    assert remedy in str(found)


@pytest.mark.parametrize(
    "raised", [error("AccessDeniedException"), error("ClusterNotFoundException"), NoCredentialsError()]
)
def test_a_running_task_that_cannot_be_seen_is_asked_about_again_whatever_the_error(raised):
    with pytest.raises(PlatformUnavailableError), asking("DescribeTasks"):
        raise raised
