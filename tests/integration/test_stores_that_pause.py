"""A store that does not answer while planning and `prepare-part` look at the files of cases.

A store that answers again costs no case its run; one that never does costs its own cases alone, with an error that
another run may not have; a pedigree that breaks a rule is no store's failure, and is not looked at again.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import s3fs

from radiant.domain.case import CaseState
from radiant.jobs.documents import Result, Status, run_uri
from radiant.registry import changes
from radiant.storage import read_ahead
from store_site import StoreSite

LOOKS = 4
"""Requests that fail until the store answers again."""


@dataclass
class Trouble:
    """The store refuses requests of this pattern, the first ones or all."""

    pattern: str
    kind: str
    most: int | None = LOOKS
    hits: int = 0

    def __call__(self, method: str, path: str) -> str:
        if not re.search(self.pattern, f"{method} {path}") or self.hits == self.most:
            return ""
        self.hits += 1
        return self.kind


@pytest.fixture
def site(s3_server, tmp_path, monkeypatch) -> Iterator[StoreSite]:
    """Two registered families, and clients that do not try again by themselves."""
    monkeypatch.setattr(changes, "PAUSES_S", (0.01,) * (2 * LOOKS))
    monkeypatch.setattr(read_ahead, "PAUSES_S", ())
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr(s3fs.S3FileSystem, "retries", 1)
    s3fs.S3FileSystem.clear_instance_cache()
    s3_server.restore({})
    site = StoreSite.on(s3_server, tmp_path)
    for number in (1, 2):
        site.add(number)
    # Another tag, the same people: the file is read.
    pedigree = site.folder / "sources" / "family1.ped"
    pedigree.write_text(f"# checked\n{pedigree.read_text()}")
    yield site
    s3_server.trouble = None


def touch(site: StoreSite) -> None:
    """Store the pedigree of case 1 again, in other words."""
    site.uri_of(site.folder / "sources" / "family1.ped")


def planned(site: StoreSite) -> Result:
    return site.job("plan-import", "plan", top(site), cases=None)


def prepared(site: StoreSite, plan: Result) -> Result:
    (part,) = plan.output["parts"]
    return site.job("prepare-part", "prepare", top(site), part=part["part"], cases=part["cases"])


def top(site: StoreSite) -> str:
    return run_uri(site.settings.effective_work_uri, "import-vcf", "run1")


def cases_of(result: Result) -> list[int]:
    assert result.status is Status.SUCCEEDED, result.failure
    return [one["case_id"] for one in result.output["cases"] if one["load_id"] is not None]


KINDS = ["slow down", "away"]
REQUESTS = ["HEAD .*family1.ped", "GET .*family1.ped", "HEAD .*family1.vcf"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("request_of", REQUESTS)
def test_a_store_that_answers_again_costs_no_case_its_preparation(site, request_of, kind):
    plan = planned(site)
    touch(site)
    site.store.trouble = trouble = Trouble(request_of, kind)
    found = prepared(site, plan)
    assert cases_of(found) == [1, 2]
    assert found.output["refused"] == []
    assert trouble.hits == LOOKS


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("request_of", REQUESTS[:2])
def test_a_store_that_answers_again_costs_no_case_its_place_in_the_plan(site, request_of, kind):
    touch(site)
    site.store.trouble = trouble = Trouble(request_of, kind)
    plan = planned(site)
    assert plan.output["blocked"] == []
    assert plan.output["parts"][0]["cases"] == [1, 2]
    assert trouble.hits == LOOKS


@pytest.mark.parametrize("request_of", ["HEAD .*family1.vcf", "GET .*family1.vcf"])
def test_a_store_that_answers_again_is_asked_whether_an_imported_vcf_changed(site, request_of):
    site.import_due()
    vcf = site.folder / "sources" / "family1.vcf"
    # As long as before: its content decides.
    vcf.write_text(vcf.read_text().replace("\t50\t", "\t60\t"))
    site.uri_of(vcf)
    site.store.trouble = trouble = Trouble(request_of, "slow down")
    plan = planned(site)
    assert plan.output["blocked"] == []
    assert [part["cases"] for part in plan.output["parts"]] == [[1]]
    assert trouble.hits == LOOKS


@pytest.mark.parametrize("request_of", REQUESTS[:2])
def test_a_store_that_never_answers_costs_its_own_case_alone_and_the_next_run_has_it(site, request_of):
    plan = planned(site)
    touch(site)
    site.store.trouble = Trouble(request_of, "slow down", most=None)
    found = prepared(site, plan)
    assert cases_of(found) == [2]
    (refused,) = found.output["refused"]
    assert (refused["case_id"], refused["code"], refused["retryable"]) == (1, "Storage", True)
    assert "the pedigree of case 1" in refused["reason"]
    assert "trigger import-radiant when its store answers" in refused["reason"]
    assert "family1" not in refused["reason"], "names of files may be names of people"
    assert site.registry.get(1).state is CaseState.REGISTERED
    site.store.trouble = None
    assert [one.case.case_id for one in site.registry.due().cases] == [1]


def test_a_pedigree_that_breaks_a_rule_costs_its_own_case_alone_and_is_not_looked_at_again(site):
    plan = planned(site)
    (site.folder / "sources" / "family1.ped").write_text("only two\n")
    touch(site)
    site.store.requests.clear()
    found = prepared(site, plan)
    assert cases_of(found) == [2]
    assert [(one["case_id"], one["code"], one["retryable"]) for one in found.output["refused"]] == [
        (1, "Pedigree", False)
    ]
    assert [path for method, path, _ in site.store.requests if method == "GET"].count("/clinic/in/family1.ped") == 1


def test_a_vcf_whose_store_does_not_answer_is_left_to_its_import_and_its_registration_stays(site):
    before = site.registry.get(1).files
    plan = planned(site)
    site.store.trouble = Trouble("HEAD .*family1.vcf", "slow down", most=None)
    found = prepared(site, plan)
    assert cases_of(found) == [1, 2]
    assert [one["vcf_bytes"] for one in found.output["cases"]] == [None, before[0].size]
    assert site.registry.get(1).files == before
