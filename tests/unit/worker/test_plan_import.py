"""The job `plan-import`."""

import pytest
from typer.testing import CliRunner

from radiant.cli.main import app
from radiant.domain.case import CaseState, Priority
from radiant.errors import CaseNotFoundError, ConfigError, InputError
from radiant.jobs.codec import to_json
from radiant.jobs.documents import Request
from radiant.registry import Registration, Registry
from radiant.settings import load_settings
from radiant.worker.plan_import import handle


@pytest.fixture
def settings(tmp_path):
    return load_settings({"RADIANT_HOME": str(tmp_path / "home")})


@pytest.fixture
def registry(settings):
    return Registry(settings.effective_registry_url)


@pytest.fixture
def add(registry, tmp_path):
    def add(name, *, patients=(), **changes):
        vcf = tmp_path / f"{name}.vcf"
        vcf.write_text(name)
        ped = None
        if patients:
            ped = tmp_path / f"{name}.ped"
            header = "#family_id iid father mother sex phenotype patient_id\n"
            ped.write_text(header + "".join(f"{name} {name}{one} 0 0 0 0 {one}\n" for one in patients))
        given = {"strategy": "wgs", "priority": Priority.ROUTINE, "assembly": "GRCh38"} | changes
        return registry.add(
            Registration(vcf_uri=f"file://{vcf}", ped_uri=None if ped is None else f"file://{ped}", **given)
        ).case_id

    return add


def output(settings, cases=None, run="file:///run"):
    return to_json(handle(Request("plan-import", "1", run, {"cases": cases}), settings, None).output)


def test_due_cases_get_parts_in_the_order_of_their_urgency(settings, registry, add):
    add("a")
    add("b", strategy="wxs", priority=Priority.STAT)
    add("c", strategy="wxs")
    assert output(settings) == {
        "parts": [
            {"part": 0x10000, "priority": "stat", "cases": [2, 3]},
            {"part": 0, "priority": "routine", "cases": [1]},
        ],
        "blocked": [],
    }
    assert {record.state for record in registry.list_cases()} == {CaseState.ASSIGNED}
    assert registry.get(1).run == "file:///run"


def test_repeating_the_job_gives_the_same_plan(settings, add):
    add("a")
    assert output(settings) == output(settings)


def test_another_run_gets_what_is_left(settings, add):
    add("a")
    output(settings)
    assert output(settings, run="file:///other") == {"parts": [], "blocked": []}


def test_only_the_cases_asked_for_are_planned(settings, registry, add):
    add("a")
    add("b")
    assert [part["cases"] for part in output(settings, [2])["parts"]] == [[2]]
    assert registry.get(1).state is CaseState.REGISTERED


def test_an_empty_list_asks_for_all(settings, add):
    add("a")
    assert len(output(settings, [])["parts"]) == 1


def test_asking_for_a_case_that_is_held_is_blocked_with_the_reason(settings, add):
    add("a")
    output(settings)
    blocked = output(settings, [1], run="file:///other")["blocked"]
    assert [one["cases"] for one in blocked] == [[1]]
    assert "assigned by run file:///run" in blocked[0]["reason"]


def test_a_group_in_two_parts_is_blocked_and_the_rest_goes_on(settings, add):
    add("a", patients=["p"])
    add("b", patients=["q"], strategy="wxs")
    output(settings)
    add("c", patients=["p", "q"])
    add("d")
    planned = output(settings, run="file:///other")
    assert planned["parts"] == [{"part": 0, "priority": "routine", "cases": [4]}]
    assert planned["blocked"][0]["cases"] == [3]
    assert "part 0: patient 1; part 65536: patient 1" in planned["blocked"][0]["reason"]


def test_what_a_repeated_plan_blocks_is_not_held_any_longer(settings, registry, add):
    add("a", patients=["p"])
    add("b", patients=["q"], strategy="wxs")
    output(settings)
    add("c", patients=["p", "q"])
    assert output(settings)["parts"] == []
    assert {record.state for record in registry.list_cases()} == {CaseState.REGISTERED}


def test_what_blocks_a_case_names_no_id_and_cases_show_lists_the_ids_with_their_parts(
    settings, add, caplog, monkeypatch
):
    caplog.set_level("INFO")
    add("a", patients=["secret-p"])
    add("b", patients=["secret-q"], strategy="wxs")
    output(settings)
    add("c", patients=["secret-p", "secret-q"])
    blocked = output(settings)["blocked"]
    assert "secret" not in str(blocked) + caplog.text
    assert "blocked: cases 1, 2, 3: ids that must share a part already belong to 2" in caplog.text
    monkeypatch.setenv("RADIANT_HOME", str(settings.home))
    shown = CliRunner().invoke(app, ["cases", "show", "3"]).output
    assert "patient\tsecret-p\t0" in shown
    assert "patient\tsecret-q\t65536" in shown


def test_a_file_that_blocks_a_case_is_named_by_the_case_s_number(settings, add, tmp_path):
    add("secret", patients=["p"])
    pedigree = tmp_path / "secret.ped"
    pedigree.unlink()
    pedigree.symlink_to(pedigree)  # no answer of the file system, which may pass
    (blocked,) = output(settings)["blocked"]
    assert "the pedigree of case 1" in blocked["reason"]
    assert "secret" not in blocked["reason"]


def test_a_removed_case_is_planned_in_its_part(settings, registry, add):
    add("a")
    output(settings)
    load = registry.claim(0, None, run="r", lease_s=60).cases[0]
    registry.finish_imported(1, load.load_id)
    registry.remove(1)
    assert output(settings)["parts"] == [{"part": 0, "priority": "routine", "cases": [1]}]
    assert registry.get(1).state is CaseState.DELETED


def imported(settings, registry):
    output(settings)
    registry.finish_imported(1, registry.claim(0, None, run="r", lease_s=60).cases[0].load_id)


def test_an_imported_case_whose_rows_are_gone_is_planned_again(settings, registry, add, caplog):
    add("a")
    imported(settings, registry)
    assert output(settings, run="file:///next")["parts"] == [{"part": 0, "priority": "routine", "cases": [1]}]
    assert "1 of 1 imported cases have no rows" in caplog.text


def test_an_imported_case_that_is_visible_is_not_planned_again(settings, registry, add, monkeypatch):
    add("a")
    imported(settings, registry)
    monkeypatch.setattr("radiant.lake.visible_loads", lambda *_: {1: "load"})
    assert output(settings, run="file:///next")["parts"] == []


@pytest.mark.parametrize("cases", ["2", "[2]", [2], ["2"], 2, " 2 ", "2-2"], ids=repr)
def test_numbers_are_taken_as_a_person_types_them(settings, add, cases):
    add("a")
    add("b", strategy="wxs")
    assert [part["cases"] for part in output(settings, cases)["parts"]] == [[2]]


@pytest.mark.parametrize("cases", ["one", [0], ["x"], [True], {"1": 1}, 0], ids=repr)
def test_what_is_no_case_number_is_refused(settings, cases):
    with pytest.raises(InputError, match="write case numbers"):
        output(settings, cases)


def test_an_unknown_number_is_an_error(settings):
    with pytest.raises(CaseNotFoundError, match="9"):
        output(settings, [9])


def test_a_range_that_overlaps_is_a_setting_to_correct(tmp_path):
    settings = load_settings(
        {
            "RADIANT_HOME": str(tmp_path),
            "RADIANT_REGISTRY__STRATEGIES": '{"panel": {"first_part": 65536, "tasks_per_part": 5}}',
        }
    )
    with pytest.raises(ConfigError, match="outside 131072"):
        output(settings)
