"""Size and tag of many objects from listings: the same as from HEADs, in bounded requests."""

import bisect

import pytest

from radiant import storage
from radiant.storage.listings import WORTH, look
from radiant.storage.local_files import Fingerprint
from radiant.storage.objects import ListedPage

PAGE = 1000


class Bucket:
    """A listing by its definition, of keys alone."""

    def __init__(self, keys):
        self.keys = sorted(keys)
        self.asked = []

    def page(self, prefix, after):
        self.asked.append((prefix, after))
        below = [key for key in self.keys[bisect.bisect_right(self.keys, after) :] if key.startswith(prefix)]
        return ListedPage({key: Fingerprint(len(key), key) for key in below[:PAGE]}, is_last=len(below) <= PAGE)


def found(keys):
    return {key: Fingerprint(len(key), key) for key in keys}


def test_a_thousand_objects_of_a_folder_take_one_page_or_two():
    wanted = [f"in/{number:05d}.vcf.gz" for number in range(5000, 6000)]
    bucket = Bucket([f"in/{number:05d}.vcf.gz" for number in range(10_000)])
    assert look(bucket.page, wanted) == found(wanted)
    assert len(bucket.asked) == 1


def test_an_object_that_is_not_there_is_decided_by_the_page_that_passes_it():
    there = [f"in/{number:03d}" for number in range(0, 200, 2)]
    wanted = [f"in/{number:03d}" for number in range(200)]
    assert look(Bucket(there).page, wanted) == dict.fromkeys(wanted) | found(there)


def test_the_objects_of_a_folder_each_are_found_as_those_of_one():
    wanted = [f"in/CASE{number:04d}/a.vcf.gz" for number in range(300)]
    bucket = Bucket([*wanted, *(f"in/CASE{number:04d}/a.bam" for number in range(300)), "other"])
    assert look(bucket.page, wanted) == found(wanted)
    assert {prefix for prefix, _ in bucket.asked} == {"in/"}


def test_between_two_distant_groups_a_listing_begins_again():
    wanted = [*(f"in/a{number:03d}" for number in range(100)), *(f"in/z{number:03d}" for number in range(100))]
    bucket = Bucket([*wanted, *(f"in/m{number:06d}" for number in range(50_000))])
    assert look(bucket.page, wanted) == found(wanted)
    assert len(bucket.asked) == 2


def test_few_among_millions_of_others_are_left_to_their_own_requests_after_a_few_pages():
    keys = [f"in/{number:06d}" for number in range(200_000)]
    wanted = keys[::1000]
    bucket = Bucket(keys)
    assert look(bucket.page, wanted).items() <= found(wanted).items()
    assert len(bucket.asked) <= 3
    # No page reaches the wanted object, since more others than it holds are before it.
    bucket = Bucket([*(f"in/x{number:06d}" for number in range(200_000)), "in/xz"])
    assert look(bucket.page, ["in/xz"] * WORTH) == {}
    assert len(bucket.asked) <= 3


@pytest.mark.parametrize("kind", ["unsorted", "from the start"])
def test_what_a_store_lists_in_another_order_decides_nothing(kind):
    wanted = [f"in/{number:03d}" for number in range(100)]

    def page(_prefix, _after):
        names = [*wanted[50:], *wanted[:50]] if kind == "unsorted" else ["a", *wanted]
        return ListedPage(found(names), is_last=True)

    assert look(page, wanted) == {}


def uris_of(s3, count=WORTH, name="in/{}.vcf.gz"):
    uris = [s3.put(name.format(number), b"x" * number) for number in range(count)]
    s3.requests.clear()
    return uris


def test_a_listing_has_the_size_and_tag_of_a_head(s3):
    uris = uris_of(s3)
    multipart = s3.client.create_multipart_upload(Bucket=s3.bucket, Key="in/large")["UploadId"]
    part = s3.client.upload_part(Bucket=s3.bucket, Key="in/large", PartNumber=1, UploadId=multipart, Body=b"large")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    s3.client.complete_multipart_upload(Bucket=s3.bucket, Key="in/large", UploadId=multipart, MultipartUpload=parts)
    s3.requests.clear()
    listed = storage.listed_fingerprints([*uris, s3.uri("in/large"), s3.uri("in/gone")])
    assert [method for method, _, _ in s3.requests] == ["GET"]
    assert listed == {uri: storage.fingerprint(uri) for uri in [*uris, s3.uri("in/large")]} | {s3.uri("in/gone"): None}
    assert storage.fingerprint(s3.uri("in/large")).tag.endswith("-1")


def test_few_objects_and_other_stores_are_left_out(s3, tmp_path):
    uris = uris_of(s3, WORTH - 1)
    others = [f"file://{tmp_path}/{number}" for number in range(WORTH)]
    assert storage.listed_fingerprints([*uris, *others, *(f"{one}?versionId=1" for one in uris)]) == {}
    assert s3.requests == []


@pytest.mark.parametrize("trouble", ["forbidden", "slow down"])
def test_a_bucket_that_may_not_be_listed_or_does_not_answer_is_left_out(s3, trouble, monkeypatch):
    monkeypatch.setattr("s3fs.S3FileSystem.retries", 1)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    uris = uris_of(s3)
    s3.trouble = lambda _, path: trouble if path.count("/") == 1 else ""
    assert storage.listed_fingerprints(uris) == {}
    assert storage.fingerprint(uris[3]).size == 3
