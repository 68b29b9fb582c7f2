"""A catalog that has keys for the store of its tables: imports need keys of their own, and are refused without."""

import json

import pytest
import s3fs

from contract.lake_site import lake_site
from radiant import lake
from radiant.errors import ConfigError
from staging import NAMESPACE, commit, read, stage

KEYS = {"s3.access-key-id": "test", "s3.secret-access-key": "test"}


def with_keys(call: str, answer: bytes) -> bytes:
    """Return what a catalog answers that vends keys for each table."""
    if "/tables" not in call or b'"metadata-location"' not in answer:
        return answer
    table = json.loads(answer)
    return json.dumps(table | {"config": table.get("config", {}) | KEYS}).encode()


@pytest.fixture
def site(request, tmp_path):
    """A REST catalog that vends keys for a store that takes these alone."""
    with lake_site("rest-s3", tmp_path, request.getfixturevalue, with_lines=True) as site:
        site.lines["catalog"].change = with_keys
        yield site


def test_keys_that_a_catalog_vends_reach_its_client_and_a_process_with_keys_of_its_own_imports(site):
    catalog = site.open()
    refs = lake.ensure_tables(catalog, NAMESPACE)
    assert KEYS.items() <= catalog.load_table(refs["occurrence"].identifier).io.properties.items()
    commit(catalog, [stage(refs, 1, "a")], "t1")
    assert len(read(catalog, 1)) == 20


@pytest.mark.parametrize("own", ["none", "wrong"])
def test_a_process_without_keys_of_its_own_is_refused_before_it_reads_a_file(site, monkeypatch, own):
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        if own == "none":
            monkeypatch.delenv(name)
        else:
            monkeypatch.setenv(name, "unknown")
    s3fs.S3FileSystem.clear_instance_cache()
    with pytest.raises(
        ConfigError, match=r"catalog has keys .* jobs that import do not get.*Give every job credentials"
    ):
        lake.ensure_tables(site.open(), NAMESPACE)
