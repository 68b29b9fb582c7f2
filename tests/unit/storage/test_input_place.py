"""A sheet names files that jobs then read with their rights: other places than those of cases are refused."""

import pytest

from radiant import storage
from radiant.errors import InputError


def refusal(uri, *prefixes):
    with pytest.raises(InputError) as caught:
        storage.check_input_place(uri, prefixes)
    return str(caught.value)


@pytest.mark.parametrize(
    "uri",
    [
        "http://169.254.169.254/latest/meta-data/iam/security-credentials/",
        "https://host/a.vcf.gz",
        "ftp://host/a.vcf.gz",
        "sftp://host/a.vcf.gz",
        "smb://host/share/a.vcf.gz",
        "github://owner:repo@main/a.vcf",
        "data://text/plain,##fileformat",
        "simplecache::http://host/a.vcf",
        "zip://a.vcf::http://host/a.zip",
        "reference://x",
        "memory://a",
    ],
)
def test_only_files_and_object_stores_hold_cases(uri):
    assert "is no place for the files of a case" in refusal(uri)


@pytest.mark.parametrize("uri", ["s3://bucket/a/../b.vcf", "s3://bucket/./b.vcf", "s3://a.vcf::http://host/x"])
def test_the_name_of_an_object_has_no_tricks(uri):
    assert "neither `::` nor the parts `.` and `..`" in refusal(uri)


def test_every_place_is_allowed_without_prefixes(tmp_path):
    for uri in (f"file://{tmp_path}/a.vcf", "s3://bucket/a.vcf.gz", "gs://bucket/a.vcf.gz"):
        storage.check_input_place(uri)


def test_with_prefixes_a_file_must_be_below_one_and_so_must_what_it_links_to(tmp_path):
    cases, other = tmp_path / "cases", tmp_path / "cases-of-others"
    for folder in (cases, other):
        folder.mkdir()
        (folder / "a.vcf").write_text("x")
    (cases / "link.vcf").symlink_to(other / "a.vcf")
    (cases / "folder").symlink_to(other)
    prefixes = (str(cases), "s3://bucket/cases/")
    storage.check_input_place(f"file://{cases}/a.vcf", prefixes)
    storage.check_input_place("s3://bucket/cases/a.vcf", prefixes)
    for uri in (
        "file:///etc/passwd",
        f"file://{cases}/../cases-of-others/a.vcf",
        f"file://{other}/a.vcf",
        f"file://{cases}/folder/a.vcf",
        "s3://bucket/cases-of-others/a.vcf",
        "s3://bucket-of-others/cases/a.vcf",
        "gs://bucket/cases/a.vcf",
    ):
        assert "below none of the places that RADIANT_INPUT_PREFIXES allows" in refusal(uri, *prefixes)
    assert f"(a link to {other}/a.vcf)" in refusal(f"file://{cases}/link.vcf", *prefixes)


def test_a_prefix_may_itself_be_a_link(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "a.vcf").write_text("x")
    (tmp_path / "cases").symlink_to(tmp_path / "disk")
    storage.check_input_place(f"file://{tmp_path}/disk/a.vcf", (f"file://{tmp_path}/cases",))


def test_a_small_file_that_is_large_is_refused_before_it_is_read_whole(tmp_path):
    (tmp_path / "a.ped").write_bytes(b"x" * ((1 << 20) + 1))
    with pytest.raises(InputError, match="is larger than 1 MiB"):
        storage.read_bytes(f"file://{tmp_path}/a.ped", 1 << 20)
    assert len(storage.read_bytes(f"file://{tmp_path}/a.ped", 2 << 20)) == (1 << 20) + 1
