"""Bytes at a URI: whole or not at all, and errors that say what to do."""

import os
import shutil
import socket
import stat
from typing import ClassVar

import botocore.exceptions
import fsspec
import pytest
from fsspec.implementations.memory import MemoryFile, MemoryFileSystem

from radiant import storage
from radiant.errors import ConfigError, InputError, StorageError


def test_a_failed_write_leaves_nothing(tmp_path):
    def fail():
        with storage.open_write(storage.file_uri(tmp_path / "a" / "x")) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert list((tmp_path / "a").iterdir()) == []


def test_a_write_replaces_the_file_as_a_whole(tmp_path):
    uri = storage.file_uri(tmp_path / "x")
    storage.write_bytes(uri, b"old")
    with storage.open_write(uri) as file:
        file.write(b"new")
        assert storage.read_bytes(uri) == b"old"
    assert storage.read_bytes(uri) == b"new"


def test_names_with_spaces_percents_and_accents_are_taken_literally(tmp_path):
    uri = storage.file_uri(tmp_path / "cas n° 1 %3A é" / "x")
    storage.write_bytes(uri, b"1")
    assert storage.list_files(storage.file_uri(tmp_path)) == [uri]
    assert storage.local_path(uri) == tmp_path / "cas n° 1 %3A é" / "x"


@pytest.mark.parametrize("read", [storage.read_bytes, storage.fingerprint])
def test_a_missing_file_names_itself_and_the_remedy(tmp_path, read):
    with pytest.raises(InputError, match=r"nothing.vcf: no such file\. Check the path"):
        read(storage.file_uri(tmp_path / "nothing.vcf"))


@pytest.mark.parametrize("read", [storage.read_bytes, storage.fingerprint])
def test_a_folder_is_not_a_file(tmp_path, read):
    with pytest.raises(InputError, match="is a folder"):
        read(storage.file_uri(tmp_path))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_an_unreadable_file_says_permission(tmp_path):
    (tmp_path / "x").write_bytes(b"1")
    (tmp_path / "x").chmod(stat.S_IWUSR)
    with pytest.raises(InputError, match="permission denied"):
        storage.read_bytes(storage.file_uri(tmp_path / "x"))


@pytest.mark.parametrize("path", ["C:\\data\\a.vcf", "data\\a.vcf", "c:/data/a.vcf"])
def test_a_windows_path_is_refused_with_the_remedy(path):
    with pytest.raises(InputError, match="Windows path"):
        storage.to_uri(path)


@pytest.mark.parametrize("path", ["", " "])
def test_a_path_that_an_unset_variable_left_empty_is_not_the_current_folder(path):
    with pytest.raises(InputError, match="a path is empty"):
        storage.to_uri(path)


def test_a_relative_path_counts_from_its_base(tmp_path):
    assert storage.to_uri("a/b.vcf", tmp_path) == f"file://{tmp_path}/a/b.vcf"
    assert storage.to_uri("s3://bucket/b.vcf", tmp_path) == "s3://bucket/b.vcf"


def test_an_unknown_scheme_names_the_extra():
    with pytest.raises(InputError, match="radiant\\[s3\\]"):
        storage.read_bytes("nowhere://bucket/key")


def test_a_fingerprint_changes_with_the_file(tmp_path):
    uri = storage.file_uri(tmp_path / "x")
    storage.write_bytes(uri, b"1")
    before = storage.fingerprint(uri)
    storage.write_bytes(uri, b"22")
    assert storage.fingerprint(uri) != before


def test_deleting_what_is_not_there_is_fine(tmp_path):
    storage.delete_prefix(storage.file_uri(tmp_path / "nothing"))


@pytest.mark.parametrize("uri", ["file:///", "file:////", "file:///tmp/.."])
def test_the_root_of_the_disk_is_never_deleted(uri, monkeypatch):
    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: pytest.fail("deleted"))
    with pytest.raises(InputError, match=r"is the root of its store.*Name a folder"):
        storage.delete_prefix(uri)


def test_a_folder_is_listed_and_deleted_with_all_that_it_holds(tmp_path):
    uris = [storage.file_uri(tmp_path / "a" / name) for name in ("1", "b/2", "b/c/3")]
    for uri in uris:
        storage.write_bytes(uri, b"1")
    assert storage.list_files(storage.file_uri(tmp_path / "a")) == uris
    assert storage.list_files(uris[0]) == uris[:1]
    storage.delete_prefix(storage.file_uri(tmp_path / "a"))
    assert list(tmp_path.iterdir()) == []


def test_a_link_to_a_folder_is_deleted_and_the_folder_stays(tmp_path):
    storage.write_bytes(storage.file_uri(tmp_path / "kept" / "1"), b"1")
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    storage.delete_prefix(storage.file_uri(tmp_path / "link"))
    assert [one.name for one in tmp_path.iterdir()] == ["kept"]
    assert (tmp_path / "kept" / "1").exists()


def test_nothing_there_has_no_files(tmp_path):
    assert storage.list_files(storage.file_uri(tmp_path / "nothing")) == []
    assert storage.stored_files(storage.file_uri(tmp_path / "nothing")) == []


def test_the_files_below_a_folder_have_size_and_time_and_a_link_to_a_folder_is_not_followed(tmp_path):
    files = [tmp_path / "a" / name for name in ("b.txt", "b/c.txt", "b/d/e.txt", "z.txt")]
    for number, file in enumerate(files):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(bytes(number))
        os.utime(file, (1_800_000_000 + number,) * 2)
    (tmp_path / "a" / "b" / "round").symlink_to(tmp_path / "a")
    (tmp_path / "a" / "broken").symlink_to(tmp_path / "nothing")
    link = tmp_path / "a" / "link.txt"
    link.symlink_to(files[3])
    expected = [(storage.file_uri(file), number) for number, file in enumerate(files)]
    found = storage.stored_files(storage.file_uri(tmp_path / "a"))
    assert [(one.uri, one.size) for one in found] == sorted([*expected, (storage.file_uri(link), 3)])
    assert [one.modified_at.timestamp() for one in found if one.uri == expected[2][0]] == [1_800_000_002]
    (one,) = storage.stored_files(expected[1][0])
    assert (one.uri, one.size) == expected[1]
    assert storage.list_files(storage.file_uri(tmp_path / "a")) == sorted(
        [one.uri for one in found] + [storage.file_uri(tmp_path / "a" / "broken")]
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list every folder")
def test_a_folder_that_may_not_be_listed_is_an_error_and_not_empty(tmp_path):
    (tmp_path / "a").mkdir(mode=0)
    with pytest.raises(InputError, match="permission denied"):
        storage.list_files(storage.file_uri(tmp_path))


class ObjectStore(MemoryFileSystem):
    """Like S3: an object appears when its upload is committed. (fsspec's own memory filesystem shows it at once.)"""

    protocol = "objects"
    store: ClassVar = {}
    pseudo_dirs: ClassVar = [""]

    def _open(self, path, mode="rb", *args, autocommit=True, **kwargs):
        if mode != "wb":
            return super()._open(path, mode, *args, **kwargs)
        file = MemoryFile(self, path)
        if autocommit:
            file.commit()
        return file


fsspec.register_implementation("objects", ObjectStore)


def test_several_objects_may_be_written_at_once_and_each_appears_on_its_own():
    with storage.open_write("objects://bucket/a") as first:
        with storage.open_write("objects://bucket/b") as second:
            first.write(b"1")
            second.write(b"2")
        assert storage.exists("objects://bucket/b")
        assert not storage.exists("objects://bucket/a")
    assert (storage.read_bytes("objects://bucket/a"), storage.read_bytes("objects://bucket/b")) == (b"1", b"2")


def test_a_failed_write_leaves_no_object():
    def fail():
        with storage.open_write("objects://bucket/half") as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert not storage.exists("objects://bucket/half")


def test_two_colons_in_a_name_are_taken_literally(tmp_path):
    uri = storage.file_uri(tmp_path / "a::b.vcf")
    storage.write_bytes(uri, b"1")
    assert storage.fingerprint(uri).size == 1
    assert storage.list_files(storage.file_uri(tmp_path)) == [uri]


@pytest.mark.parametrize("use", [storage.fingerprint, storage.open_read, storage.read_bytes, storage.to_uri])
@pytest.mark.parametrize("kind", ["fifo", "/dev/null", "/dev/fd", "socket"])
def test_a_pipe_or_a_device_is_refused_at_once(tmp_path, use, kind):
    path, reading, writing = tmp_path / "x.vcf", *os.pipe()
    try:
        with socket.socket(socket.AF_UNIX) as listening:
            if kind == "fifo":
                os.mkfifo(path)  # opening it would wait for its writer
            elif kind == "socket":
                listening.bind(str(path))
            else:
                path = f"/dev/fd/{reading}" if kind == "/dev/fd" else kind
            with pytest.raises(InputError, match=r"pipe or a device.* \| bgzip >"):
                use(str(path) if use is storage.to_uri else f"file://{path}")
    finally:
        os.close(reading)
        os.close(writing)


def test_standard_input_has_no_uri(tmp_path):
    with pytest.raises(InputError, match=r"^-: is no regular file but a pipe"):
        storage.to_uri("-")
    assert storage.to_uri("./-", tmp_path) == f"file://{tmp_path}/-"


def test_standard_input_that_is_a_file_is_that_file(tmp_path):
    path = tmp_path / "a.vcf"
    path.write_bytes(b"a")
    with path.open("rb") as file:
        assert storage.to_uri(f"/dev/fd/{file.fileno()}") == f"file://{path}"


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (botocore.exceptions.NoCredentialsError(), ConfigError),
        (botocore.exceptions.EndpointConnectionError(endpoint_url="http://s3"), StorageError),
        (botocore.exceptions.ParamValidationError(report="Invalid bucket name"), InputError),
    ],
)
def test_an_error_of_the_stores_client_is_no_bug(monkeypatch, raised, expected):
    def fail(*_args, **_kwargs):
        raise raised

    monkeypatch.setattr(MemoryFileSystem, "info", fail)
    with pytest.raises(expected, match="memory://bucket/x"):
        storage.fingerprint("memory://bucket/x")
