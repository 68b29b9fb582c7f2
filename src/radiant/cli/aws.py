"""The AWS side of the `radiant` command: clients, and errors as sentences."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from radiant.errors import ConfigError, PlatformUnavailableError
from radiant.settings import Settings

_LATER = frozenset(
    {"Throttling", "ThrottlingException", "RequestLimitExceeded", "ServiceUnavailable", "InternalFailure"}
)


class Aws:
    """Makes boto3 clients for one account and region, with the credentials boto3 finds by itself."""

    def __init__(self, settings: Settings) -> None:
        """Find the region.

        Raises:
            ConfigError: boto3 is not installed, or nothing names a region.
        """
        try:
            import boto3  # noqa: PLC0415 - comes with radiant[ecs]
        except ImportError as error:
            msg = "boto3 is not installed: install radiant[ecs] beside radiant[cli]"
            raise ConfigError(msg) from error
        self._session: Any = boto3.Session(region_name=settings.ecs.region)
        self._clients: dict[str, Any] = {}
        self.region: str | None = self._session.region_name
        if self.region is None:
            msg = "no AWS region: set RADIANT_ECS__REGION or AWS_DEFAULT_REGION"
            raise ConfigError(msg)

    def client(self, service: str) -> Any:
        """Return a client of a service."""
        if service not in self._clients:
            self._clients[service] = self._session.client(service)
        return self._clients[service]


@contextmanager
def plain_errors() -> Generator[None]:
    """Turn what boto3 raises into one sentence with what to do.

    Raises:
        ConfigError: credentials, a right or an argument is wrong.
        PlatformUnavailableError: AWS does not answer or throttles.
    """
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError  # noqa: PLC0415 - see `Aws`

    try:
        yield
    except ClientError as error:
        code = code_of(error)
        msg = f"AWS refuses {error.operation_name}: {code}: {error.response['Error'].get('Message', '')}"
        if code in _LATER:
            msg = f"{msg}. Run the command again"
            raise PlatformUnavailableError(msg) from error
        raise ConfigError(msg) from error
    except NoCredentialsError as error:
        msg = "boto3 finds no credentials: run `aws configure` or `aws sso login`, or set AWS_PROFILE"
        raise ConfigError(msg) from error
    except BotoCoreError as error:
        msg = f"AWS does not answer: {error}"
        raise PlatformUnavailableError(msg) from error


def code_of(error: BaseException | None) -> str:
    """Return the code that AWS gave an error, empty for an error of another kind."""
    response: dict[str, Any] = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))
