"""AWS Glue as a catalog, as far as moto goes: it compares no versions, so no commit loses a race here."""

import pytest

from contract.lake_site import lake_site
from radiant import lake
from radiant.domain.tables import CASE_TABLES
from radiant.errors import ConfigError
from staging import NAMESPACE, commit, counts, read, stage


@pytest.fixture
def site(request, tmp_path):
    with lake_site("glue-s3", tmp_path, request.getfixturevalue) as site:
        yield site


def test_cases_are_committed_replaced_and_deleted_in_a_warehouse_that_only_radiant_s_setting_names(site):
    with site.open() as catalog:
        refs = lake.ensure_tables(catalog, NAMESPACE)
        assert all(ref.location.startswith(f"{site.warehouse}/") for ref in refs.values())
        commit(catalog, [stage(refs, 1, "a"), stage(refs, 2, "b")], "t1")
    with site.open() as catalog:
        again = stage(lake.ensure_tables(catalog, NAMESPACE), 1, "c", rows=7)
        commit(catalog, [again], "t2", deleted=[2])
        assert not commit(catalog, [again], "t2", deleted=[2]).changed
        assert {name: counts(catalog, name) for name in CASE_TABLES} == {name: {(1, 1): 7} for name in CASE_TABLES}
        assert len(read(catalog, 1)) == 7


def test_a_right_that_is_missing_is_named(site, s3_server):
    with site.open() as catalog:
        s3_server.trouble = lambda _, path: "forbidden" if path == "/" else ""
        with pytest.raises(ConfigError, match=r"the catalog refuses: .*AccessDenied"):
            lake.ensure_tables(catalog, NAMESPACE)
    s3_server.trouble = None
