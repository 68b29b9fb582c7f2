"""A job of a tenant is refused what lies outside its tenant's places."""

import json
from types import SimpleNamespace

import pytest

from radiant.errors import TenantError
from radiant.jobs.documents import Request
from radiant.settings import load_settings
from radiant.worker.own_places import require_own, require_own_tables

TENANTS = {"north": {"input_prefixes": "s3://north/vcf"}, "south": {"input_prefixes": "s3://south/vcf"}}
STORES = {"RADIANT_WORK_URI": "s3://work", "RADIANT_LAKE__WAREHOUSE": "s3://lake"}
NORTH = load_settings(STORES | {"RADIANT_TENANTS": json.dumps(TENANTS)}, tenant="north")


def request_of(run="s3://work/north/import-vcf/r", task="", **arguments):
    return Request(job="import-case", attempt="1", run_uri=run, task_uri=task, arguments=arguments)


def test_documents_of_the_tenant_are_its_own():
    require_own(
        request_of(case_uri="s3://work/north/import-vcf/r/cases/1.json", part=3, cases=None),
        NORTH,
        "s3://work/north/import-vcf/r/import_case/0/1/request.json",
    )


@pytest.mark.parametrize(
    ("request_", "document"),
    [
        (request_of("s3://work/south/import-vcf/r"), ""),
        (request_of("s3://work/import-vcf/r"), ""),
        (request_of("s3://work/north1/import-vcf/r"), ""),
        (request_of("s3://work/north/../south/r"), ""),
        (request_of("file:///work/north/r"), ""),
        (request_of(task="s3://work/south/import-vcf/r/t"), ""),
        (request_of(case_uri="s3://work/south/import-vcf/r/cases/1.json"), ""),
        (request_of(loads=[{"case_id": 1, "case_uri": "s3://work/south/r/cases/1.json"}]), ""),
        (request_of(), "s3://work/south/import-vcf/r/import_case/0/1/result.json"),
    ],
)
def test_a_document_of_another_tenant_is_refused(request_, document):
    with pytest.raises(TenantError, match="documents of tenant 'north' are below s3://work/north"):
        require_own(request_, NORTH, *filter(None, [document]))


def test_a_link_out_of_the_tenants_folder_is_refused(tmp_path):
    tenants = json.dumps({"north": {"input_prefixes": "/n"}})
    settings = load_settings({"RADIANT_HOME": str(tmp_path), "RADIANT_TENANTS": tenants}, tenant="north")
    own, other = tmp_path / "work" / "north", tmp_path / "work" / "south"
    own.mkdir(parents=True)
    other.mkdir()
    (own / "link").symlink_to(other)
    require_own(request_of(f"file://{own}/run"), settings)
    with pytest.raises(TenantError):
        require_own(request_of(f"file://{own}/link"), settings)


def test_tables_of_another_tenant_are_refused():
    def tables(location):
        return {"occurrence": SimpleNamespace(location=location, data_location=f"{location}/data")}

    require_own_tables(tables("s3://lake/north/radiant_north/x"), NORTH)  # pyright: ignore[reportArgumentType]
    with pytest.raises(TenantError, match="tables of tenant 'north'"):
        require_own_tables(tables("s3://lake/south/radiant_south/x"), NORTH)  # pyright: ignore[reportArgumentType]


def test_an_installation_without_tenants_compares_nothing():
    require_own(request_of("s3://anywhere/r"), load_settings(STORES))
