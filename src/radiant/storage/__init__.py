"""Bytes at a URI: read, write-then-rename, exists, list, remove.

`file://` and plain paths, and every scheme of fsspec (`s3://` with the `s3` extra). Every call raises
`StorageError` for transient faults (timeouts, full disks) and `InputError` for those that a user must fix (no such
file, no permission, a folder where a file belongs).
"""

from radiant.storage.bytes_at import (
    canonical,
    delete_files,
    delete_old_versions,
    delete_prefix,
    exists,
    fingerprint,
    join,
    kept_versions,
    list_files,
    listed_fingerprints,
    local_path,
    modified_at,
    open_read,
    open_write,
    read_bytes,
    stored_files,
    to_uri,
    version_of,
    write_bytes,
)
from radiant.storage.input_place import check_input_place, is_below
from radiant.storage.local_files import Fingerprint, KeptVersions, OldVersions, StoredFile, file_uri
from radiant.storage.store_errors import answering, file_error, is_of_a_store, no_such_file
from radiant.storage.traffic import Traffic, add_traffic, traffic_so_far

__all__ = [
    "Fingerprint",
    "KeptVersions",
    "OldVersions",
    "StoredFile",
    "Traffic",
    "add_traffic",
    "answering",
    "canonical",
    "check_input_place",
    "delete_files",
    "delete_old_versions",
    "delete_prefix",
    "exists",
    "file_error",
    "file_uri",
    "fingerprint",
    "is_below",
    "is_of_a_store",
    "join",
    "kept_versions",
    "list_files",
    "listed_fingerprints",
    "local_path",
    "modified_at",
    "no_such_file",
    "open_read",
    "open_write",
    "read_bytes",
    "stored_files",
    "to_uri",
    "traffic_so_far",
    "version_of",
    "write_bytes",
]
