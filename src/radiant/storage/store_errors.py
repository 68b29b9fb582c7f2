"""Errors of the operating system and of object stores' clients become ours, with the URI and the remedy."""

import contextlib
from collections.abc import Generator

from radiant.errors import ConfigError, InputError, RadiantError, StorageError

_STORE_LIBRARIES = frozenset({"aiobotocore", "aiohttp", "azure", "botocore", "gcsfs", "google"})
"""Clients of object stores and their libraries, whose own errors are no OSError."""


def is_of_a_store(error: Exception) -> bool:
    """Return whether an error comes from the client of an object store."""
    return any(one.__module__.partition(".")[0] in _STORE_LIBRARIES for one in type(error).__mro__)


@contextlib.contextmanager
def named(uri: str) -> Generator[None]:
    """Turn the operating system's errors into ours, with the URI and the remedy."""
    try:
        yield
    except FileNotFoundError as error:
        raise InputError(no_such_file(uri)) from error
    except PermissionError as error:
        msg = f"{uri}: permission denied. Give the user that runs radiant the right to it"
        raise InputError(msg) from error
    except IsADirectoryError as error:
        msg = f"{uri}: is a folder, a file is needed"
        raise InputError(msg) from error
    except OSError as error:
        msg = f"{uri}: {error.strerror or error}"
        raise StorageError(msg) from error
    except Exception as error:
        if (ours := store_error(uri, error)) is None:
            raise
        raise ours from error


@contextlib.contextmanager
def answering(what: str) -> Generator[None]:
    """Turn errors of files that a library reads and writes by itself into a `StorageError`, which may pass.

    Args:
        what: What the files belong to, and what to do, for the message.

    Raises:
        ConfigError: a right is missing, which no repetition brings.
        StorageError: any other error of a file or a store.
    """
    try:
        yield
    except Exception as error:
        if not (isinstance(error, OSError) or is_of_a_store(error)):
            raise
        raise file_error(what, error) from error


def file_error(what: str, error: Exception) -> RadiantError:
    """Return the error of `answering` for an error of a file or a store."""
    if isinstance(error, PermissionError):
        text = f"{what}: permission denied: {error}. Give the user or role that runs radiant the right to these files"
        return ConfigError(text)
    return StorageError(f"{what}: {error}")


def store_error(uri: str, error: Exception) -> RadiantError | None:
    """Return the meaning of a store client's error, None for any other error."""
    if not is_of_a_store(error):
        return None
    names = " ".join(one.__name__ for one in type(error).__mro__)
    if "Credential" in names:
        return ConfigError(f"{uri}: {error}. Give the process credentials for this store, for example AWS_PROFILE")
    if "Validation" in names:
        return InputError(f"{uri}: {str(error).splitlines()[0]} Is it {uri.partition('://')[0]}://bucket/key?")
    return StorageError(f"{uri}: the store does not answer: {error}")


def no_such_file(uri: str) -> str:
    """Return the message for a file that is not there."""
    return f"{uri}: no such file. Check the path, and that the machine that imports can see it"


def replaced(uri: str) -> StorageError:
    """Return the error for a file that is another one by now."""
    return StorageError(f"{uri}: was replaced while it was read. Nothing was imported; another try reads the new one")
