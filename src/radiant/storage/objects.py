"""An object, or all objects below a prefix, of a store that fsspec has a client for. Imported for such a URI only."""

import contextlib
import datetime as dt
import errno
from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import IO, Any, cast

from fsspec.config import conf
from fsspec.core import url_to_fs

from radiant.errors import InputError, StorageError
from radiant.storage import read_ahead
from radiant.storage.local_files import Fingerprint, OldVersions, StoredFile
from radiant.storage.store_errors import named, replaced
from radiant.storage.traffic import count

_UPLOAD_BYTES = 8 << 20
"""Bytes of one part of an upload, and of an open file in memory. S3 takes 5 MiB or more and 10,000 parts."""

FsspecObject = Mapping[str, Any]
"""A file of a store as fsspec describes it; each store has its own keys."""

_PAGE = 1000
"""Names in one answer to a list."""

_AT_ONCE = 16
"""Objects that are deleted at the same time."""

_CONNECTIONS = 32
"""Connections to an S3 at the same time: its client has 10 by itself, for documents that are read by more threads."""

_AFTER_SLASH = "0"
"""The character after `/`: in the order of a store's listing, all names below a folder come before it."""


@dataclass(frozen=True, slots=True)
class ListedPage:
    """One answer of S3 to a listing."""

    objects: Mapping[str, Fingerprint]
    """By key, in the order of the answer."""
    is_last: bool


class StoredObject:
    """A URI with its file system; `bytes_at` has the rules of each method."""

    path = None
    """It is no file of this machine."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        try:
            # Without a cache of listings: other processes write here, too.
            found = url_to_fs(uri, use_listings_cache=False, **self._options())
            self._filesystem, self._path = cast("tuple[Any, str]", found)
        except (ValueError, ImportError) as error:
            msg = f"{uri}: {error}. Install the extra for this scheme, for example radiant[s3]"
            raise InputError(msg) from error

    def _options(self) -> dict[str, Any]:
        if not self._on_s3:
            return {}
        return {"config_kwargs": {"max_pool_connections": _CONNECTIONS, **conf.get("s3", {}).get("config_kwargs", {})}}

    def exists(self) -> bool:
        """Return whether there is an object."""
        count(read_requests=1)
        return bool(self._filesystem.isfile(self._path))

    def fingerprint(self) -> Fingerprint:
        """Return size and entity tag."""
        count(read_requests=1)
        self._filesystem.invalidate_cache()
        info = self._filesystem.info(self._path)
        if info["type"] != "file":
            raise IsADirectoryError(errno.EISDIR, "is a folder", self._uri)
        return of_object(info)

    def modified_at(self) -> dt.datetime:
        """Return when the object was written."""
        count(read_requests=1)
        found: dt.datetime = self._filesystem.modified(self._path)
        return found.astimezone(dt.UTC)

    def open_read(self, version: Fingerprint | None) -> IO[bytes]:
        """Open for reading in ranges, the next ones ahead."""
        count(read_requests=1)
        options = {"uri": self._uri}
        file: IO[bytes] = self._filesystem.open(
            self._path, "rb", block_size=read_ahead.RANGE_BYTES, cache_type=read_ahead.NAME, cache_options=options
        )
        if version is not None and of_object(file.details) != version:  # type: ignore[attr-defined]
            file.close()
            raise replaced(self._uri)
        return file

    def read(self) -> bytes:
        """Return the whole of a small object: on S3 one request, without one for its size before."""
        if not self._on_s3:
            with self.open_read(None) as file:
                return file.read()
        data = read_ahead.whole(self._cat, self._uri)
        count(bytes_read=len(data))
        return data

    def _cat(self) -> bytes:
        count(read_requests=1)
        data: bytes = self._filesystem.cat_file(self._path, max_concurrency=1)
        return data

    @contextlib.contextmanager
    def open_write(self) -> Generator[IO[bytes]]:
        """Upload an object, which appears once its upload is complete: in one request unless it is large.

        Not by the filesystem's transaction: there is one per filesystem, and several files may be open at once.
        """
        with named(self._uri):
            # Closing completes an upload to S3, a small one in one request; of other clients some do so when they open.
            upload = self._filesystem.open(self._path, "wb", block_size=_UPLOAD_BYTES, autocommit=self._on_s3)
            try:
                yield cast("IO[bytes]", upload)
                size = upload.tell()
                upload.close()
                # Of a client that uploads in parts; the upload is begun and completed, too.
                parts = len(getattr(upload, "parts", None) or ())
                if not self._on_s3:
                    upload.commit()
            except BaseException as error:
                self._discard(upload)
                if _is_of_no_upload(error):
                    msg = (
                        f"{self._uri}: the store has no such upload any more: it completed it and its answer was lost, "
                        "or its rule for unfinished uploads removed it. Try again"
                    )
                    raise StorageError(msg) from error
                raise
            count(write_requests=parts + 2 if parts else 1, bytes_written=size)

    def _discard(self, upload: Any) -> None:
        """Give an upload up, so that no object appears and no open file goes on uploading when it is collected.

        The error of the upload is the one to report: what a store does not give up now is left to its rule for
        unfinished uploads.
        """
        if self._on_s3:
            upload.closed = True  # closing would complete it
        else:
            with contextlib.suppress(Exception):
                upload.close()
        with contextlib.suppress(Exception):
            upload.discard()

    def write(self, data: bytes) -> None:
        """Write a small object."""
        count(write_requests=1, bytes_written=len(data))
        self._filesystem.pipe_file(self._path, data)

    def files(self) -> list[str]:
        """Return the URIs of all objects below this prefix."""
        return [one.uri for one in self.stored_files()]

    def stored_files(self) -> list[StoredFile]:
        """Return the objects below this prefix with size and time, from the listing alone."""
        return [
            StoredFile(self._filesystem.unstrip_protocol(name), int(info["size"]), _time_of(info))
            for name, info in sorted(self._below(), key=lambda one: one[0])
        ]

    def _below(self) -> list[tuple[str, FsspecObject]]:
        """Return path and description of the object and of all objects below this prefix."""
        if self._on_s3:
            return list(self._listed())
        self._filesystem.invalidate_cache()
        found = cast("dict[str, FsspecObject]", self._filesystem.find(self._path, detail=True))
        count(write_requests=1 + len(found) // _PAGE)
        return [(name, info) for name, info in found.items() if info["type"] == "file"]

    @property
    def _on_s3(self) -> bool:
        return self._uri.startswith(("s3://", "s3a://"))

    def _listed(self) -> Iterator[tuple[str, FsspecObject]]:
        """Yield path and description of the S3 object and of all below it.

        One request for each thousand names. s3fs's own listing asks first whether there is anything, twice.
        """
        bucket, _, key = self._path.rstrip("/").partition("/")
        folder = f"{key}/" if key else ""
        after: dict[str, str] = {}
        while True:
            count(write_requests=1)
            page = self._filesystem.call_s3("list_objects_v2", Bucket=bucket, Prefix=key, **after)
            for one in page.get("Contents", []):
                name: str = one["Key"]
                if name == key or name.startswith(folder):
                    yield f"{bucket}/{name}", {"size": one["Size"], "LastModified": one["LastModified"]}
                elif name >= f"{key}{_AFTER_SLASH}":
                    return
            if not page.get("IsTruncated"):
                return
            after = {"ContinuationToken": page["NextContinuationToken"]}

    def page(self, prefix: str, after: str) -> ListedPage:
        """Return the first thousand objects of the bucket on S3 below a prefix of keys and after a key."""
        bucket = self._path.partition("/")[0]
        count(write_requests=1)
        with named(f"s3://{bucket}/{prefix}"):
            start = {"StartAfter": after} if after else {}
            answer = self._filesystem.call_s3("list_objects_v2", Bucket=bucket, Prefix=prefix, **start)
        found = {one["Key"]: Fingerprint(one["Size"], one["ETag"].strip('"')) for one in answer.get("Contents", [])}
        return ListedPage(found, is_last=not answer.get("IsTruncated"))

    def delete_file(self) -> None:
        """Delete the object."""
        self._delete(self._path)

    def keeps_versions(self) -> bool | None:
        """Return whether the bucket keeps older versions of objects; None where the store does not say."""
        if not self._on_s3:
            return None
        count(read_requests=1)
        try:
            answer = self._filesystem.call_s3("get_bucket_versioning", Bucket=self._path.partition("/")[0])
        except PermissionError:
            return None
        return bool(answer.get("Status"))

    def delete_old_versions(self) -> OldVersions:
        """Delete the older versions of the object, and the mark that it was deleted, in a bucket that keeps them."""
        bucket, _, key = self._path.partition("/")
        try:
            old = self._old_versions(bucket, key)
        except PermissionError:
            return OldVersions(versioned=None)
        deleted = kept = 0
        for version in old:
            count(write_requests=1)
            try:
                self._filesystem.call_s3("delete_object", Bucket=bucket, Key=key, VersionId=version)
                deleted += 1
            except PermissionError:
                kept += 1
        return OldVersions(versioned=True, deleted=deleted, kept=kept)

    def _old_versions(self, bucket: str, key: str) -> list[str]:
        """Return the ids of the versions of one object that are not its latest, then of the marks that it was deleted.

        The marks come last: without the latest one, a version that is still there would be the object again.
        """
        versions: list[str] = []
        marks: list[str] = []
        after: dict[str, str] = {}
        while True:
            count(write_requests=1)
            page = self._filesystem.call_s3("list_object_versions", Bucket=bucket, Prefix=key, **after)
            ours = [one for one in page.get("Versions", []) if one["Key"] == key]
            versions += [one["VersionId"] for one in ours if not one["IsLatest"]]
            marks += [one["VersionId"] for one in page.get("DeleteMarkers", []) if one["Key"] == key]
            # Of all keys with this prefix, the key itself is the first.
            if not page.get("IsTruncated") or page.get("NextKeyMarker") != key:
                return versions + marks
            after = {"KeyMarker": key, "VersionIdMarker": page["NextVersionIdMarker"]}

    def delete(self) -> None:
        """Delete the object, or all objects below this prefix."""
        if "/" not in self._path.strip("/"):
            msg = f"{self._uri}: is the root of its store and is never deleted as a whole. Name a folder in it"
            raise InputError(msg)
        found = [name for name, _ in self._below()]
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="delete") as pool:
            for _ in pool.map(self._delete, found):
                pass

    def _delete(self, path: str) -> None:
        """Delete one object; not by `rm`, which overlooks what a store refuses in its answer for a thousand names."""
        count(write_requests=1)
        with named(self._filesystem.unstrip_protocol(path)), contextlib.suppress(FileNotFoundError):
            self._filesystem.rm_file(path)


def _is_of_no_upload(error: BaseException) -> bool:
    """Return whether S3 answered that there is no such upload; s3fs makes a missing file of it."""
    answer = getattr(error.__cause__, "response", None)
    return isinstance(answer, dict) and cast("FsspecObject", answer).get("Error", {}).get("Code") == "NoSuchUpload"


def of_object(info: FsspecObject) -> Fingerprint:
    """Return the fingerprint in a store's description of an object."""
    return Fingerprint(int(info["size"]), str(info.get("ETag") or info.get("etag") or info.get("mtime")).strip('"'))


def _time_of(info: FsspecObject) -> dt.datetime:
    """Return when an object was written; each client names it in its own way."""
    found = next(
        info[name] for name in ("LastModified", "last_modified", "mtime", "created", "updated") if name in info
    )
    if isinstance(found, str):
        found = dt.datetime.fromisoformat(found)
    if not isinstance(found, dt.datetime):
        found = dt.datetime.fromtimestamp(found, dt.UTC)
    return found.astimezone(dt.UTC)
