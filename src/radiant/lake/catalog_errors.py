"""Errors of catalogs become ours: a right that is lost, a catalog that throttles, one that does not answer."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, cast

from pyiceberg.exceptions import (
    AuthorizationExpiredError,
    CommitFailedException,
    ForbiddenError,
    OAuthError,
    ServiceUnavailableError,
    TooManyRequestsError,
    UnauthorizedError,
    ValidationException,
)
from sqlalchemy.exc import DBAPIError

from radiant import storage
from radiant.errors import ConfigError, LakeUnavailableError, RadiantError
from radiant.settings import mask_secret

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

_RIGHTS = (AuthorizationExpiredError, ForbiddenError, OAuthError, UnauthorizedError)
_NOT_NOW = (ServiceUnavailableError, TooManyRequestsError)
"""By Iceberg's REST specification the catalog did nothing; after 500, 502 and 504 it may have."""

_RIGHTS_OF_DATABASES = {"42501", "25006", "28000", "28P01", "SQLITE_READONLY", "SQLITE_READONLY_DBMOVED"}
"""SQLSTATE of PostgreSQL: no privilege, a transaction that only reads, no login; names of SQLite."""
_NOT_NOW_OF_DATABASES = {"53100", "53200", "53300", "57P03", "SQLITE_BUSY", "SQLITE_FULL"}
"""PostgreSQL has no disk, memory or connection left, or just starts; SQLite is locked, or its disk is full."""

_RIGHTS_OF_AWS = {401, 403}
_NOT_NOW_OF_AWS = {429, 503}
_THROTTLED = "Throttl"
"""AWS throttles with status 400 and a code of this name."""

_LIBRARIES = frozenset({"botocore", "pyiceberg", "requests", "sqlalchemy"})
"""Their errors are those of a catalog."""
_LOST_RACES = (CommitFailedException, ValidationException)


def refusal(name: str, error: Exception) -> RadiantError | None:
    """Return the meaning of a catalog's error where it did not do what it was asked.

    Args:
        name: What was asked for, for the message.
        error: Of PyIceberg, of a database, of AWS.

    Returns:
        `ConfigError` for a right that is missing, `LakeUnavailableError` for a catalog that may answer later; None for
        any other error, after which the catalog may have done it.
    """
    if isinstance(error, PermissionError):  # of the store, where a catalog's client reads and writes metadata
        return storage.file_error(name, error)
    rights, not_now = _kind(error)
    if rights:
        msg = (
            f"{name}: the catalog refuses: {mask_secret(str(error))}. Give the credentials in "
            "PYICEBERG_CATALOG__<NAME>__* the right to read and change these tables"
        )
        return ConfigError(msg)
    if not_now:
        msg = f"{name}: the catalog has no room for the request now: {mask_secret(str(error))}. Try again"
        return LakeUnavailableError(msg)
    return None


@contextlib.contextmanager
def catalog_answers(name: str) -> Generator[None]:
    """Raise the errors of a catalog as ours, except those of a race that was lost; `name` is what was asked for.

    Raises:
        ConfigError: a right is missing.
        LakeUnavailableError: the catalog does not answer.
    """
    try:
        yield
    except _LOST_RACES:
        raise
    except Exception as error:
        libraries = {one.__module__.partition(".")[0] for one in type(error).__mro__}
        if not libraries & _LIBRARIES:
            raise
        raise no_answer(name, error) from error


def no_answer(name: str, error: Exception) -> RadiantError:
    """Return the error for a catalog that refuses or does not answer; arguments as `refusal`."""
    text = f"{name}: the catalog does not answer: {mask_secret(str(error))}. Try again"
    return refusal(name, error) or LakeUnavailableError(text)


def _kind(error: Exception) -> tuple[bool, bool]:
    """Return whether a right is missing, and whether the catalog may answer later."""
    if isinstance(error, DBAPIError):
        code = str(getattr(error.orig, "sqlstate", None) or getattr(error.orig, "sqlite_errorname", ""))
        return code in _RIGHTS_OF_DATABASES, code in _NOT_NOW_OF_DATABASES
    response = getattr(error, "response", None)
    if isinstance(response, dict) and "ResponseMetadata" in response:
        answer = cast("Mapping[str, Mapping[str, object]]", response)
        status, code = answer["ResponseMetadata"].get("HTTPStatusCode"), str(answer.get("Error", {}).get("Code"))
        denied = status in _RIGHTS_OF_AWS or code.startswith("AccessDenied")
        return denied, not denied and (status in _NOT_NOW_OF_AWS or _THROTTLED in code)
    return isinstance(error, _RIGHTS), isinstance(error, _NOT_NOW)
