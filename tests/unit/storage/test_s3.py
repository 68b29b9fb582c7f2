"""Bytes on S3: ranges ahead, one version, bounded tries, whole uploads."""

import datetime as dt
import gc
import io
import itertools

import pytest
import s3fs

from lines import Fault, HttpLine
from radiant import storage
from radiant.errors import InputError, StorageError
from radiant.jobs.documents import run_uri, task_uri
from radiant.storage import read_ahead


@pytest.fixture
def small_ranges(monkeypatch):
    monkeypatch.setattr(read_ahead, "FIRST_BYTES", 1 << 10)
    monkeypatch.setattr(read_ahead, "RANGE_BYTES", 4 << 10)


DATA = bytes(itertools.islice(itertools.cycle(range(251)), 100_000))


@pytest.mark.usefixtures("small_ranges")
@pytest.mark.parametrize("size", [1, 1000, 5000, 200_000])
def test_any_read_size_gives_the_same_bytes_in_ranges(s3, size):
    uri = s3.put("a", DATA)
    with storage.open_read(uri) as file:
        assert b"".join(iter(lambda: file.read(size), b"")) == DATA
    asked = [tuple(map(int, one.removeprefix("bytes=").split("-"))) for _, _, one in s3.requests if one]
    assert max(stop - start + 1 for start, stop in asked) == 4 << 10
    assert sum(stop - start + 1 for start, stop in asked) == len(DATA)  # every byte once


@pytest.mark.usefixtures("small_ranges")
def test_a_reader_of_the_header_asks_for_little(s3):
    with storage.open_read(s3.put("a", DATA)) as file:
        file.read(100)
    assert [one for _, _, one in s3.requests if one] == ["bytes=0-1023"]


@pytest.mark.usefixtures("small_ranges")
def test_places_may_be_read_in_any_order(s3):
    with storage.open_read(s3.put("a", DATA)) as file:
        for at in (50_000, 10, 99_990, 50_100, 3000, 2900):
            file.seek(at)
            assert file.read(3000) == DATA[at : at + 3000]


def test_an_empty_object_is_read(s3):
    assert storage.read_bytes(s3.put("empty", b"")) == b""


def test_a_missing_key_is_named(s3):
    with pytest.raises(InputError, match=r"s3://clinic/nothing: no such file"):
        storage.open_read(s3.uri("nothing"))


@pytest.mark.usefixtures("small_ranges")
def test_an_object_replaced_while_it_is_read_is_no_mixture(s3):
    uri = s3.put("a", DATA)
    with storage.open_read(uri) as file:
        file.read(100)
        s3.put("a", DATA[::-1])
        with pytest.raises(StorageError, match="was replaced while it was read"):
            file.read()
    with storage.open_read(uri) as file:
        assert file.read() == DATA[::-1]


def test_an_object_replaced_between_two_openings_is_refused(s3):
    uri = s3.put("a", DATA)
    with storage.open_read(uri) as file:
        version = storage.version_of(file)
    assert version == storage.fingerprint(uri)
    s3.put("a", DATA[::-1])
    with pytest.raises(StorageError, match="was replaced"):
        storage.open_read(uri, version)


@pytest.mark.usefixtures("small_ranges")
def test_an_object_deleted_while_it_is_read_is_reported(s3):
    uri = s3.put("a", DATA)
    with storage.open_read(uri) as file:
        file.read(100)
        s3.client.delete_object(Bucket=s3.bucket, Key="a")
        with pytest.raises(InputError, match="was deleted while it was read"):
            file.read()


def cut_short(body, _environ):
    whole = b"".join(body)
    yield whole[: len(whole) // 2]


def reset(body, _environ):
    yield b"".join(body)[:10]
    raise ConnectionResetError


@pytest.mark.usefixtures("small_ranges")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("fault", [cut_short, reset])
def test_a_connection_lost_in_the_middle_is_tried_again(s3, fault):
    uri = s3.put("a", DATA)
    turns = itertools.count()

    def now_and_then(body, environ):
        yield from fault(body, environ) if next(turns) % 3 == 0 else body

    s3.fault = now_and_then
    with storage.open_read(uri) as file:
        assert file.read() == DATA
    assert next(turns) > 20


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("fault", [cut_short, reset])
def test_a_small_object_takes_one_request_and_is_read_again_when_its_connection_is_lost(s3, fault):
    uri = s3.put("a", DATA)
    s3.requests.clear()
    assert storage.read_bytes(uri) == DATA
    assert [method for method, _, _ in s3.requests] == ["GET"]
    turns = itertools.count()

    def at_first(body, environ):
        yield from fault(body, environ) if next(turns) < 2 else body

    s3.fault_of_whole = at_first
    assert storage.read_bytes(uri) == DATA
    assert next(turns) == 3
    with pytest.raises(InputError, match=r"s3://clinic/nothing: no such file"):
        storage.read_bytes(s3.uri("nothing"))


@pytest.mark.usefixtures("small_ranges")
def test_a_store_that_never_answers_whole_is_given_up(s3, monkeypatch):
    import s3fs.core  # noqa: PLC0415 - its own tries are slow

    monkeypatch.setattr(s3fs.core.S3FileSystem, "retries", 1)
    uri = s3.put("a", DATA)
    s3.fault = cut_short
    with storage.open_read(uri) as file, pytest.raises(StorageError, match=r"bytes 0 to 1023 did not come in 4 tries"):
        file.read(10)
    assert len([one for _, _, one in s3.requests if one]) == 4


def test_a_bug_is_not_tried_again():
    def fetch(_start, _stop):
        calls.append(1)
        raise TypeError

    calls = []
    with pytest.raises(TypeError):
        read_ahead.ReadAhead(1 << 20, fetch, 10)._fetch(0, 10)
    assert calls == [1]


@pytest.mark.parametrize("size", [9, 9 << 20])
def test_a_failed_write_leaves_no_object_and_no_upload(s3, size):
    uri = s3.uri("half")

    def fail():
        with storage.open_write(uri) as file:
            file.write(bytes(size))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    gc.collect()
    assert not storage.exists(uri)
    assert s3.unfinished_uploads() == []


def test_a_large_object_appears_only_when_it_is_whole(s3):
    uri, data = s3.uri("large"), io.BytesIO(DATA * 200)
    with storage.open_write(uri) as file:
        while piece := data.read(1 << 20):
            file.write(piece)
        assert not storage.exists(uri)
    assert storage.read_bytes(uri) == data.getvalue()


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.GONE, Fault.SLOW_DOWN])
def test_an_upload_in_parts_with_any_call_broken_is_whole_or_absent_and_its_repetition_is_whole(s3, fault, monkeypatch):
    data = DATA * 100
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr(s3fs.S3FileSystem, "retries", 1)
    with HttpLine(s3.endpoint).serving() as line:
        monkeypatch.setenv("AWS_ENDPOINT_URL", line.url)
        s3fs.S3FileSystem.clear_instance_cache()
        for number in itertools.count(1):
            uri = s3.uri(f"upload/{fault}/{number}")
            line.break_number(number, fault)
            failed = error_of_writing(uri, data)
            call = line.broken
            line.heal()
            if call is None:
                assert failed is None
                break
            assert isinstance(failed, StorageError), (call, failed)
            assert not storage.exists(uri) or storage.read_bytes(uri) == data, call
            assert error_of_writing(uri, data) is None
            assert storage.read_bytes(uri) == data, call
            # Without an answer to its first call, an upload has no number that it could be given up by.
            begun = len(s3.unfinished_uploads())
            assert begun == (fault is Fault.LOST and call.endswith("?uploads")) or fault is Fault.GONE, call
            s3.restore({})
        assert number > 4, "the object is uploaded in parts"
    s3fs.S3FileSystem.clear_instance_cache()


def test_an_upload_that_the_store_removed_is_transient(s3):
    """By its rule for unfinished uploads; and some stores answer so if an upload is completed a second time."""

    s3.trouble = lambda method, _: "no upload" if method == "POST" and s3.unfinished_uploads() else ""
    assert isinstance(error := error_of_writing(s3.uri("removed"), DATA * 100), StorageError)
    assert "no such upload any more" in str(error)
    s3.trouble = None
    assert not storage.exists(s3.uri("removed"))


@pytest.mark.usefixtures("small_ranges")
def test_a_throttled_range_is_asked_for_again_and_is_no_other_version(s3, monkeypatch):
    monkeypatch.setattr(s3fs.S3FileSystem, "retries", 1)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    s3fs.S3FileSystem.clear_instance_cache()
    uri = s3.put("throttled", DATA)
    turns = itertools.count()
    with storage.open_read(uri) as file:
        s3.trouble = lambda method, _: "slow down" if method == "GET" and next(turns) < 3 else ""
        assert file.read() == DATA
        assert next(turns) > 3
        file.seek(0)
        s3.trouble = lambda *_: "slow down"
        with pytest.raises(StorageError, match="did not come in 4 tries"):
            file.read()
    s3.trouble = None
    s3fs.S3FileSystem.clear_instance_cache()


def error_of_writing(uri, data):
    try:
        with storage.open_write(uri) as file:
            for at in range(0, len(data), 1 << 20):
                file.write(data[at : at + (1 << 20)])
    except Exception as error:  # noqa: BLE001 - whatever it is
        return error
    return None


def test_what_another_process_wrote_is_seen_at_once(s3):
    folder = s3.uri("runs/1")
    assert storage.list_files(folder) == []
    assert not storage.exists(f"{folder}/result.json")
    s3.put("runs/1/result.json", b"{}")
    assert storage.exists(f"{folder}/result.json")
    assert storage.list_files(folder) == [f"{folder}/result.json"]
    s3.put("runs/1/result.json", b"{...}")
    assert storage.fingerprint(f"{folder}/result.json").size == 5


def test_deleting_takes_what_is_below_and_nothing_beside(s3):
    for key in ("x/1/a", "x/1/b/c", "x/10/a", "x/1.json"):
        s3.put(key, b"1")
    s3.requests.clear()
    storage.delete_prefix(s3.uri("x/1"))
    assert [method for method, _, _ in s3.requests] == ["GET", "DELETE", "DELETE"]
    assert [key for key in s3.names() if key.startswith("x/")] == ["x/1.json", "x/10/a"]
    storage.delete_prefix(s3.uri("x/1.json"))
    s3.requests.clear()
    storage.delete_prefix(s3.uri("x/nothing"))
    assert [method for method, _, _ in s3.requests] == ["GET"]
    assert [key for key in s3.names() if key.startswith("x/")] == ["x/10/a"]


@pytest.mark.parametrize("end", ["", "/", "//"])
def test_a_whole_bucket_is_never_deleted(s3, end):
    s3.put("a", DATA)
    with pytest.raises(InputError, match=rf"s3://clinic{end}: is the root of its store"):
        storage.delete_prefix(f"s3://{s3.bucket}{end}")
    assert "a" in s3.names()


def test_a_folder_of_a_bucket_is_deleted_alone(s3):
    for key in ("gone/a", "gone/b/c", "gone-not"):
        s3.put(key, DATA)
    storage.delete_prefix(s3.uri("gone/"))
    assert {name for name in s3.names() if name.startswith("gone")} == {"gone-not"}


def test_a_listing_has_size_and_time_of_each_object(s3):
    for number in range(3):
        s3.put(f"listed/{number}/a", DATA[:number])
    began = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=5)
    s3.requests.clear()
    found = storage.stored_files(s3.uri("listed"))
    assert len(s3.requests) == 1
    assert [(one.uri, one.size) for one in found] == [(s3.uri(f"listed/{number}/a"), number) for number in range(3)]
    assert all(began < one.modified_at < began + dt.timedelta(minutes=1) for one in found)
    assert storage.stored_files(s3.uri("nothing/here")) == []


def test_named_objects_are_deleted_and_no_others(s3):
    for number in range(20):
        s3.put(f"some/{number}", DATA[:1])
    storage.delete_files([s3.uri(f"some/{number}") for number in range(1, 20)] + [s3.uri("some/never")])
    assert [name for name in s3.names() if name.startswith("some/")] == ["some/0"]


@pytest.mark.parametrize("run_id", ["manual__" + "x" * 242, "\u03c4\u03c1\u03ad\u03be\u03b5" * 50, ".."])
def test_the_folder_of_any_run_id_is_one_level_on_s3_too(s3, run_id):
    work = f"s3://{s3.bucket}/work-{ord(run_id[0])}"
    place = task_uri(run_uri(work, "import-vcf", run_id), "import_case", 3)
    storage.write_bytes(storage.join(place, "result.json"), b"{}")
    (found,) = storage.list_files(f"{work}/import-vcf")
    assert found.removeprefix(f"{work}/import-vcf/").count("/") == 3
    assert storage.read_bytes(found) == b"{}"


def test_the_traffic_of_a_process_is_what_the_store_was_asked_for(s3):
    uri = s3.put("traffic/a", DATA)
    s3.requests.clear()
    before = storage.traffic_so_far()
    assert storage.read_bytes(uri) == DATA
    storage.write_bytes(s3.uri("traffic/b"), b"12345")
    for size in (7, 9 << 20, 20 << 20):
        with storage.open_write(s3.uri("traffic/c")) as file:
            for at in range(0, size, 3 << 20):
                file.write(bytes(min(3 << 20, size - at)))
    used = storage.traffic_so_far() - before
    methods = [method for method, _, _ in s3.requests]
    assert methods[:4] == ["GET", "PUT", "PUT", "POST"], "a small object is written in one request"
    assert used.read_requests == sum(one in {"GET", "HEAD"} for one in methods)
    assert used.write_requests == sum(one in {"PUT", "POST"} for one in methods)
    assert (used.bytes_read, used.bytes_written) == (len(DATA), 12 + (29 << 20))


def test_local_files_are_no_traffic(tmp_path):
    before = storage.traffic_so_far()
    storage.write_bytes(storage.file_uri(tmp_path / "a"), b"1")
    storage.read_bytes(storage.file_uri(tmp_path / "a"))
    assert storage.traffic_so_far() == before


def test_a_refused_deletion_of_a_folder_is_an_error_and_names_the_object(s3):
    """In the answer to S3's request for a thousand names, s3fs overlooks the ones that were refused."""
    s3.empty()
    for name in ("run/a", "run/b", "other"):
        s3.put(name, b"x")
    s3.trouble = lambda method, path: "forbidden" if method != "GET" and path.endswith("/b") else ""
    with pytest.raises(InputError, match=r"s3://clinic/run/b: permission denied"):
        storage.delete_prefix(s3.uri("run"))
    s3.trouble = None
    storage.delete_prefix(s3.uri("run"))
    assert s3.names() == ["other"]
    storage.delete_prefix(s3.uri("run"))


def test_all_old_versions_of_an_object_go_even_if_they_are_on_several_pages(s3, monkeypatch):
    """On pages of 20, where S3 has 1,000: moto takes minutes to delete as many."""
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "20")
    client, bucket = s3.client, "versions"
    client.create_bucket(Bucket=bucket)
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for number in range(50):
        client.put_object(Bucket=bucket, Key="log", Body=b"%d" % number)
    for number in range(2):
        client.put_object(Bucket=bucket, Key="log-of-another", Body=b"%d" % number)
    client.delete_object(Bucket=bucket, Key="log")
    assert client.list_object_versions(Bucket=bucket)["IsTruncated"]
    log = [f"s3://{bucket}/log"]
    kept = storage.kept_versions(log)
    assert storage.delete_old_versions(log, kept) == storage.OldVersions(versioned=True, deleted=51)
    left = client.list_object_versions(Bucket=bucket)
    assert [one["Key"] for one in left["Versions"]] == ["log-of-another"] * 2
    assert "DeleteMarkers" not in left
    client.put_object(Bucket=bucket, Key="log", Body=b"new")
    assert storage.delete_old_versions(log, kept).deleted == 0
    assert storage.read_bytes(*log) == b"new"


def test_each_bucket_is_asked_once_whether_it_keeps_versions_and_again_by_the_next_work(s3):
    s3.client.create_bucket(Bucket="scratch")
    uris = [s3.uri(f"log{number}") for number in range(5)] + ["s3://scratch/log", "s3a://scratch/log2", "/data/log"]
    s3.requests.clear()
    kept = storage.kept_versions(uris)
    assert len(s3.requests) == 2
    assert not kept.anywhere
    assert storage.delete_old_versions(uris, kept).versioned is False
    assert len(s3.requests) == 2
    s3.client.put_bucket_versioning(Bucket="scratch", VersioningConfiguration={"Status": "Enabled"})
    assert storage.kept_versions(uris).by_store == {s3.uri("").rstrip("/"): False, "s3://scratch": True, "": False}
