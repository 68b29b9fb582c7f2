"""The status of many files of cases on S3: from listings where they show what is stored, else from the objects."""

import time

import pytest

from radiant import storage
from radiant.errors import InputError, StorageError
from radiant.registry import changes
from radiant.registry.changes import FileStatus, file_status, file_statuses, patiently
from radiant.registry.records import CaseFile, FileRole
from radiant.storage.listings import WORTH


@pytest.fixture
def files(s3):
    """Files of cases as they are stored, which is as they are."""
    uris = [s3.put(f"in/{number}.vcf.gz", b"x" * number) for number in range(WORTH + 10)]
    found = {uri: storage.fingerprint(uri) for uri in uris}
    s3.requests.clear()
    return [CaseFile(FileRole.VCF, uri, one.size, one.tag, None) for uri, one in found.items()]


def heads(s3):
    return [path.rpartition("/")[2] for method, path, _ in s3.requests if method == "HEAD"]


def test_unchanged_files_take_a_listing_and_no_head_each(s3, files):
    statuses = file_statuses(files)
    assert statuses == {one.uri: FileStatus(one.size, one.tag) for one in files}
    assert heads(s3) == []
    assert len(s3.requests) == 1


def test_a_changed_file_is_looked_at_itself_and_one_that_is_gone_has_the_same_status_as_by_a_head(s3, files):
    s3.put("in/3.vcf.gz", b"changed")
    s3.client.delete_object(Bucket=s3.bucket, Key="in/4.vcf.gz")
    s3.requests.clear()
    statuses = file_statuses(files)
    assert heads(s3) == ["3.vcf.gz"]
    assert statuses[s3.uri("in/3.vcf.gz")].size == 7
    assert statuses == {one.uri: file_status(one.uri) for one in files}
    assert "no such file" in (statuses[s3.uri("in/4.vcf.gz")].problem or "")


def test_a_file_of_two_cases_that_were_registered_at_two_times_is_looked_at_itself(s3, files):
    earlier = CaseFile(FileRole.PED, files[3].uri, 1, "earlier", None)
    assert file_statuses([*files, earlier])[files[3].uri] == FileStatus(files[3].size, files[3].tag)
    assert heads(s3) == ["3.vcf.gz"]


def test_a_file_that_may_not_be_there_is_neither_listed_nor_looked_at(s3, files):
    statuses = file_statuses(files, ["s3://elsewhere"])
    assert all(one.outside for one in statuses.values())
    assert s3.requests == []


def test_where_listing_is_not_allowed_each_file_is_looked_at(s3, files):
    s3.trouble = lambda _, path: "forbidden" if path.count("/") == 1 else ""
    assert file_statuses(files) == {one.uri: FileStatus(one.size, one.tag) for one in files}
    assert len(heads(s3)) == len(files)


def test_items_of_a_store_that_does_not_answer_share_the_pauses_and_no_other_is_looked_at_again(monkeypatch):
    monkeypatch.setattr(changes, "PAUSES_S", (0.05, 0.05))
    looks: list[str] = []
    pauses: list[float] = []
    monkeypatch.setattr(changes.time, "sleep", pauses.append)

    def look(item):
        looks.append(item)
        if item == "bad":
            raise InputError(item)
        if item.startswith("away") or looks.count(item) == 1:
            raise StorageError(item)
        return item.upper()

    found = patiently(["good", "bad", *(f"away{n}" for n in range(40))], look)
    assert pauses == [0.05, 0.05], "each had pauses of its own"
    assert found["good"] == "GOOD"
    assert isinstance(found["bad"], InputError)
    assert [str(found[f"away{n}"]) for n in range(40)] == [f"away{n}" for n in range(40)]
    assert (looks.count("bad"), looks.count("good"), looks.count("away7")) == (1, 2, 3)


def test_a_store_whose_client_waits_long_by_itself_is_not_asked_again(monkeypatch):
    monkeypatch.setattr(changes, "PATIENCE_S", 0.05)
    looks: list[str] = []

    def look(item):
        looks.append(item)
        time.sleep(0.1)
        raise StorageError(item)

    assert isinstance(patiently(["a"], look)["a"], StorageError)
    assert looks == ["a"]
