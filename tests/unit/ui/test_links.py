"""The links of a task, where several tenants share an Airflow."""

import json
from types import SimpleNamespace

import pytest

from radiant.ui.links import CaseLink, ConsoleLink

TASK = SimpleNamespace(dag_id="import-vcf", run_id="r", task_id="import_case", map_index=0)


@pytest.mark.parametrize("link", [CaseLink(), ConsoleLink()], ids=lambda link: link.name)
def test_tenants_that_share_an_airflow_have_no_links_to_pages_of_one_of_them(monkeypatch, tmp_path, link):
    monkeypatch.setenv("RADIANT_HOME", str(tmp_path))
    monkeypatch.setenv("RADIANT_TENANTS", json.dumps({"north": {"input_prefixes": "/n"}}))
    assert link.get_link(None, ti_key=TASK) == ""
