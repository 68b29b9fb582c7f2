import copy
import re
from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.exceptions import ParamValidationError
from airflow.serialization.serialized_objects import DagSerialization

from radiant.domain.case import Priority

FOLDER = Path(__file__).parents[3] / "dags"
IDS = {"POC-ecs-k8s-operators", "import-radiant", "import-part", "import-vcf", "maintain-tables"}


@pytest.fixture(scope="module")
def dags():
    bag = DagBag(str(FOLDER))
    assert bag.import_errors == {}
    return bag.dags


def test_there_are_five_dags_and_nothing_else(dags):
    assert set(dags) == IDS
    assert {path.name for path in FOLDER.iterdir() if path.suffix == ".py"} == {
        "poc_ecs_k8s_operators.py",
        "import_radiant.py",
        "import_part.py",
        "import_vcf.py",
        "maintain_tables.py",
    }


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.name)
def test_a_dag_file_fits_on_a_screen_and_decides_nothing(path):
    text = path.read_text()
    assert len(text.splitlines()) < 80
    assert not re.search(r"^\s*(if|for|while|try)\b|environ|getenv|SELECT|kubernetes|boto", text, re.MULTILINE)


@pytest.mark.parametrize("dag_id", sorted(IDS))
def test_a_dag_is_documented_tagged_and_only_triggered(dags, dag_id):
    dag = dags[dag_id]
    assert dag.doc_md
    assert dag.description
    assert "radiant" in dag.tags
    assert dag.schedule is None
    assert dag.is_paused_upon_creation is False
    assert all(dag.params.get_param(name).description for name in dag.params)


@pytest.mark.parametrize("dag_id", sorted(IDS))
def test_a_task_id_names_no_backend(dags, dag_id):
    for task in dags[dag_id].tasks:
        assert not any(word in task.task_id.lower() for word in ("local", "kube", "k8s", "ecs", "pod"))


@pytest.mark.parametrize("dag_id", sorted(IDS))
def test_a_dag_can_be_stored(dags, dag_id):
    DagSerialization.to_dict(dags[dag_id])


@pytest.mark.parametrize("dag_id", sorted(IDS))
def test_every_task_survives_the_death_of_its_process_once(dags, dag_id):
    assert all(task.retries >= 1 for task in dags[dag_id].tasks)


def test_maintenance_runs_on_the_schedule_of_the_settings_one_run_at_a_time(monkeypatch):
    monkeypatch.setenv("RADIANT_MAINTENANCE__SCHEDULE", "@weekly")
    dag = DagBag(str(FOLDER / "maintain_tables.py")).dags["maintain-tables"]
    assert dag.schedule == "@weekly"
    assert dag.max_active_runs == 1


def upstream(dag):
    return {task.task_id: sorted(task.upstream_task_ids) for task in dag.tasks}


def test_import_vcf_is_prepare_then_cases_then_one_commit_then_verdict(dags):
    assert upstream(dags["import-vcf"]) == {
        "prepare": [],
        "prepared": ["prepare"],
        "requests": ["prepare"],
        "import_case": ["requests"],
        "commit": ["import_case", "prepared"],
        "verdict": ["commit"],
        "done": ["commit", "prepare", "requests"],
    }
    assert [task.task_id for task in dags["import-vcf"].tasks if task.is_mapped] == ["import_case"]


@pytest.mark.parametrize(
    ("cleared", "wanted"),
    [
        ("import_case", {"prepare", "requests", "commit", "verdict", "done"}),
        ("commit", {"prepare", "requests", "verdict", "done"}),
        ("verdict", set()),
    ],
)
def test_clearing_an_import_makes_its_documents_again_and_clearing_the_verdict_only_judges(dags, cleared, wanted):
    """The tasks that Airflow clears beside one, with Downstream as its form proposes."""
    stored = DagSerialization.from_dict(DagSerialization.to_dict(dags["import-vcf"]))
    found = stored.partial_subset([cleared], include_downstream=True, include_upstream=False, exclude_original=True)
    assert set(found.task_dict) == wanted


def test_commit_runs_whatever_happened_to_the_cases_but_not_without_prepare(dags):
    assert dags["import-vcf"].get_task("commit").trigger_rule == "all_done_min_one_success"


def test_import_radiant_maps_one_run_per_part(dags):
    dag = dags["import-radiant"]
    assert upstream(dag) == {
        "plan": [],
        "parts": ["plan"],
        "import_part": ["parts"],
        "verdict": ["import_part", "plan"],
        "report": ["verdict"],
    }
    assert dag.get_task("report").is_teardown
    assert not dag.get_task("report").on_failure_fail_dagrun
    assert dag.get_task("import_part").is_mapped


@pytest.mark.parametrize("dag_id", ["import-radiant", "import-part", "import-vcf"])
def test_the_verdict_alone_decides_about_the_run_and_always_runs(dags, dag_id):
    dag = dags[dag_id]
    judged = [task for task in dag.tasks if not task.is_teardown]
    assert [task.task_id for task in judged if all(one.is_teardown for one in task.downstream_list)] == ["verdict"]
    assert dag.get_task("verdict").trigger_rule == "all_done"


WRONG = [
    {},
    {"part": -1},
    {"part": "7"},
    {"part": 1.5},
    {"part": None},
    {"part": 1, "cases": [0]},
    {"part": 1, "cases": 0},
    {"part": 1, "cases": -5},
    {"part": 1, "cases": 1.5},
    {"part": 1, "cases": True},
    {"part": 1, "cases": []},
    {"part": 1, "cases": "0"},
    {"part": 1, "cases": "all"},
    {"part": 1, "cases": "1,2,x"},
    {"part": 1, "cases": "1.5"},
    {"part": 1, "cases": "10-"},
    {"part": 1, "cases": ["x"]},
    {"part": 1, "cases": {"1": 2}},
]


def validated(dag, conf):
    params = copy.copy(dag.params)
    params.update(conf)
    return params.validate()


@pytest.mark.parametrize("dag_id", ["import-part", "import-vcf"])
@pytest.mark.parametrize("conf", WRONG, ids=str)
def test_wrong_params_are_refused(dags, dag_id, conf):
    with pytest.raises(ParamValidationError):
        validated(dags[dag_id], conf)


@pytest.mark.parametrize(
    "conf",
    [
        {"part": 7},
        {"part": 65536, "cases": [1, 2]},
        {"part": 0, "cases": None},
        {"part": 0, "cases": ""},
        {"part": 0, "cases": 105},
        {"part": 0, "cases": "105"},
        {"part": 0, "cases": "105, 106"},
        {"part": 0, "cases": "[105]"},
        {"part": 0, "cases": " 105 106;107,\n100-120 "},
        {"part": 0, "cases": "[105, 106]"},
    ],
)
def test_good_params_are_taken(dags, conf):
    assert validated(dags["import-vcf"], conf)["part"] == conf["part"]


def test_the_form_shows_a_text_field_for_cases(dags):
    """The form of Airflow follows the first type that is not null."""
    assert dags["import-radiant"].params.get_param("cases").schema["type"][:2] == ["null", "string"]


def test_a_mapped_task_shows_the_number_of_its_case(dags):
    assert dags["import-vcf"].get_task("import_case").map_index_template == "case {{ task.arguments['case_id'] }}"


def test_imports_wait_for_the_short_tasks_of_any_run(dags):
    weights = {
        (dag_id, task.task_id): task.priority_weight
        for dag_id in ("import-radiant", "import-part", "import-vcf")
        for task in dags[dag_id].tasks
    }
    assert weights.pop(("import-vcf", "import_case")) < min(weights.values())
    assert all(str(task.weight_rule) == "absolute" for dag in dags.values() for task in dag.tasks if not task.is_mapped)


def test_the_priorities_of_the_form_are_the_domain_s(dags):
    assert dags["import-part"].params.get_param("priority").schema["enum"] == [str(one) for one in Priority]


@pytest.fixture
def shared(monkeypatch):
    """Return the DAGs of an installation with two tenants."""
    monkeypatch.setenv("RADIANT_TENANTS", '{"north": {"input_prefixes": "/n"}, "south": {"input_prefixes": "/s"}}')
    bag = DagBag(str(FOLDER))
    assert bag.import_errors == {}
    return bag.dags


def test_without_tenants_no_dag_has_the_param(dags):
    assert not [dag_id for dag_id in IDS if "tenant" in dags[dag_id].params]


def test_a_run_names_one_of_the_tenants(shared):
    for dag_id in sorted(IDS - {"maintain-tables"}):
        assert shared[dag_id].params.get_param("tenant").schema["enum"] == ["north", "south"]
    for wrong in ({}, {"tenant": "west"}, {"tenant": None}, {"tenant": ""}):
        with pytest.raises(ParamValidationError):
            validated(shared["import-radiant"], wrong)
    assert validated(shared["import-radiant"], {"tenant": "north"})["tenant"] == "north"


def test_maintenance_has_a_task_for_each_tenant(shared):
    dag = shared["maintain-tables"]
    assert {task.task_id: task.params["tenant"] for task in dag.tasks} == {
        "maintain_north": "north",
        "maintain_south": "south",
    }
    assert "tenant" not in dag.params


def test_an_airflow_of_one_tenant_has_the_dags_of_an_installation_without(shared, monkeypatch):
    del shared
    monkeypatch.setenv("RADIANT_TENANT", "north")
    dags = DagBag(str(FOLDER)).dags
    assert "tenant" not in dags["import-radiant"].params
    assert [task.task_id for task in dags["maintain-tables"].tasks] == ["maintain"]
