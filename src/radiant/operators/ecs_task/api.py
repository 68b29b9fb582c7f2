"""The AWS clients of a process, and the meaning of their errors."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from airflow.providers.amazon.aws.hooks.ecs import EcsHook
from airflow.providers.amazon.aws.hooks.logs import AwsLogsHook
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
)
from botocore.parsers import ResponseParserError

from radiant.errors import JobNotYetError, JobRefusedError, PlatformUnavailableError
from radiant.jobs.reasons import Reason
from radiant.operators.ecs_task.task_status import is_no_room
from radiant.operators.shared import discard, shared

_CONFIG: dict[str, Any] = {
    # The caller retries, after the pause that all callers of the process share.
    "retries": {"total_max_attempts": 1, "mode": "standard"},
    "connect_timeout": 5,
    "read_timeout": 30,
    "max_pool_connections": 20,
}
_NOT_CONFIGURED = (NoCredentialsError, PartialCredentialsError, NoRegionError, ProfileNotFound)
_THROTTLED = frozenset(
    {"ThrottlingException", "Throttling", "RequestLimitExceeded", "TooManyRequestsException", "LimitExceededException"}
)
_DENIED = frozenset({"AccessDeniedException", "AccessDenied", "UnauthorizedOperation"})
_CREDENTIALS = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "IncompleteSignature",
    }
)
_SERVER_ERROR = 500
_CLIENT = "AWS client"


def ecs_client(conn_id: str, region: str | None) -> Any:
    """Return this process's ECS client for an Airflow connection and a region."""
    return shared((_CLIENT, "ecs", conn_id, region), lambda: _client(EcsHook, conn_id, region))


def logs_client(conn_id: str, region: str | None) -> Any:
    """Return this process's CloudWatch Logs client for an Airflow connection and a region."""
    return shared((_CLIENT, "logs", conn_id, region), lambda: _client(AwsLogsHook, conn_id, region))


def _client(kind: type[EcsHook | AwsLogsHook], conn_id: str, region: str | None) -> Any:
    return kind(aws_conn_id=conn_id, region_name=region, config=Config(**_CONFIG)).conn


@contextmanager
def asking(what: str) -> Generator[None]:
    """Raise the errors of boto3 about a running task as one that the caller retries after.

    Even a missing right: the task is healthy and goes on, only its watcher cannot see it.

    Args:
        what: the call, for the message.

    Raises:
        PlatformUnavailableError: AWS did not answer, throttled, or refused, or something else answered.
    """
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise unavailable(what, error) from None
    except (ResponseParserError, KeyError, TypeError) as error:
        raise foreign(what) from error


def foreign(what: str) -> PlatformUnavailableError:
    """Return the error of an answer that is not the service's: a proxy's page, a gateway's JSON."""
    return PlatformUnavailableError(f"something else answers in place of AWS ({what}). A proxy before it?")


def is_foreign(error: ClientError) -> bool:
    """Return whether an error is none that AWS gave: its answers have a request id and name what is wrong."""
    code = str(error.response.get("Error", {}).get("Code") or "")
    # The library names an answer that it cannot read by its HTTP status.
    return not error.response.get("ResponseMetadata", {}).get("RequestId") or not code or code.isdigit()


def unavailable(what: str, error: ClientError | BotoCoreError) -> PlatformUnavailableError:
    """Return the error that lets the caller ask again later."""
    code, text = code_of(error), _text(error)
    if isinstance(error, ClientError) and is_foreign(error):
        return foreign(what)
    if code in _CREDENTIALS or isinstance(error, _NOT_CONFIGURED):
        discard(_CLIENT)  # the connection may hold other credentials now
    if is_throttled(error):
        return PlatformUnavailableError(f"ECS throttles {what} ({text})", reason=Reason.THROTTLED)
    if code in _DENIED:
        return PlatformUnavailableError(f"AWS does not allow {what} ({text})", reason=Reason.ACCESS_DENIED)
    return PlatformUnavailableError(f"AWS did not answer {what} ({text})")


def not_started(error: ClientError | BotoCoreError) -> Exception:
    """Return what an error of RunTask means: ask again, wait for room, or never."""
    if isinstance(error, _NOT_CONFIGURED):
        discard(_CLIENT)  # the connection may hold other credentials now
        msg = (
            f"RunTask: {error}. Make the Airflow connection that RADIANT_ECS__CONN_ID names, or give Airflow's workers "
            "a role and AWS_DEFAULT_REGION"
        )
        return JobRefusedError(msg)
    code, text = code_of(error), _text(error)
    if isinstance(error, ClientError) and is_foreign(error):
        return foreign("RunTask")
    status = 0 if not isinstance(error, ClientError) else error.response["ResponseMetadata"]["HTTPStatusCode"]
    if code is None or is_throttled(error) or code == "ServerException" or status >= _SERVER_ERROR:
        return unavailable("RunTask", error)
    if is_no_room(text):
        return JobNotYetError(f"ECS has no room for the task: {text}", reason=Reason.NO_CAPACITY)
    if code in _CREDENTIALS:
        return unavailable("RunTask", error)
    return JobRefusedError(f"ECS refuses RunTask: {text}. {_REMEDIES.get(code, _REMEDY)}")


_REMEDY = "`radiant ecs doctor` checks roles, network, task definitions and limits"
_REMEDIES = dict.fromkeys(
    _DENIED,
    "Give the role of Airflow the rights of deploy/ecs/airflow-policy.json, iam:PassRole included, or correct "
    "RADIANT_ECS__CLUSTER and RADIANT_ECS__TASK_DEFINITION: the policy allows those of its own installation alone",
) | {
    "ClusterNotFoundException": "Correct RADIANT_ECS__CLUSTER and RADIANT_ECS__REGION, or run `radiant ecs deploy`",
    "PlatformUnknownException": "Correct RADIANT_ECS__PLATFORM_VERSION",
}


def code_of(error: BaseException) -> str | None:
    """Return the code that AWS gave an error, None for one that AWS did not answer."""
    return error.response["Error"]["Code"] if isinstance(error, ClientError) else None


def is_throttled(error: BaseException) -> bool:
    """Return whether AWS throttled the request; ECS hides the throttling of the services behind it in other codes."""
    text = str(error)
    return code_of(error) in _THROTTLED or "Rate exceeded" in text or "ErrorCode: Throttling" in text


def _text(error: ClientError | BotoCoreError) -> str:
    if isinstance(error, ClientError):
        return f"{error.response['Error']['Code']}: {error.response['Error'].get('Message', '')}".rstrip(". ")
    return str(error).rstrip(". ")
