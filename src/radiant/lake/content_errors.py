"""Whether an error of reading a Parquet file is about its content."""

import pyarrow as pa

from radiant import storage


def is_of_content(error: Exception) -> bool:
    """Return whether pyarrow raised an error about what is in a file, and not the store about reading it."""
    if isinstance(error, OSError):
        return error.errno is None and not storage.is_of_a_store(error)
    return isinstance(error, pa.ArrowInvalid)
