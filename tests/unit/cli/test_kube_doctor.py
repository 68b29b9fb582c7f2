"""What `radiant kube doctor` makes of what it sees; on a cluster it is in tests/cluster."""

from types import SimpleNamespace

import pytest
from kubernetes.client import models as k8s
from kubernetes.utils.quantity import parse_quantity

from radiant.cli import airflow_checks, kube_cluster_checks
from radiant.cli.check_result import Grade, good, print_results, wrong
from radiant.cli.kube_cluster_checks import RIGHTS
from radiant.jobs.catalogue import JOBS
from radiant.jobs.dag_ids import ALL_DAGS
from radiant.setting_types import NOTIFIERS
from radiant.settings import load_settings

ALL = list(JOBS.values())


def number(text):
    return float(parse_quantity(text))


def quota(hard, used=()):
    status = k8s.V1ResourceQuotaStatus(hard=hard, used=dict(used))
    return k8s.V1ResourceQuota(metadata=k8s.V1ObjectMeta(name="q"), spec=k8s.V1ResourceQuotaSpec(), status=status)


@pytest.mark.parametrize(
    ("hard", "used", "grade", "said"),
    [
        ({"pods": "3", "requests.memory": "8Gi"}, {"pods": "1"}, Grade.GOOD, "1 of 3 pods"),
        ({"pods": "3"}, {"pods": "3"}, Grade.WARNING, "used up"),
        ({"limits.memory": "1Gi"}, {}, Grade.WRONG, "can never hold import-case"),
        ({"requests.cpu": "1500m"}, {}, Grade.WRONG, "can never hold import-case"),
        ({"pods": "0"}, {}, Grade.WRONG, "can never hold plan-import"),
    ],
)
def test_a_quota_is_judged_by_the_largest_job(hard, used, grade, said):
    (found,) = kube_cluster_checks._judge_quotas([quota(hard, used)], ALL, number, cpu_limit=lambda _: None)
    assert found.grade is grade
    assert said in found.text


@pytest.mark.parametrize(
    ("limit", "grade", "said"),
    [
        (None, Grade.WRONG, "requires a CPU limit, and pods of"),
        (5.0, Grade.WRONG, "can never hold"),
        (2.0, Grade.GOOD, "0 of 4 limits.cpu"),
        (0.0, Grade.GOOD, "0 of 4 limits.cpu"),
    ],
)
def test_a_quota_of_cpu_limits_is_foreseen(limit, grade, said):
    hard = quota({"limits.cpu": "4"}, {})
    (found,) = kube_cluster_checks._judge_quotas([hard], ALL, number, cpu_limit=lambda _: limit)
    assert found.grade is grade
    assert said in found.text


def test_no_quota_is_reported():
    (found,) = kube_cluster_checks._judge_quotas([], ALL, number, cpu_limit=lambda _: None)
    assert found.grade is Grade.WARNING


@pytest.mark.parametrize(("most", "grade"), [("32Gi", Grade.GOOD), ("1Gi", Grade.WRONG)])
def test_a_limit_below_a_job_is_wrong(most, grade):
    limits = [k8s.V1LimitRangeItem(type="Container", max={"memory": most})]
    ranges = [k8s.V1LimitRange(spec=k8s.V1LimitRangeSpec(limits=limits))]
    (found,) = kube_cluster_checks._judge_limits(ranges, ALL, number)
    assert found.grade is grade


def node(memory, cpu, *, ready="True", cordoned=False):
    status = k8s.V1NodeStatus(
        allocatable={"memory": memory, "cpu": cpu}, conditions=[k8s.V1NodeCondition(type="Ready", status=ready)]
    )
    return k8s.V1Node(spec=k8s.V1NodeSpec(unschedulable=cordoned), status=status)


@pytest.mark.parametrize(
    ("nodes", "grade"),
    [
        ([node("1Gi", "1"), node("4Gi", "4")], Grade.GOOD),
        ([node("64Gi", "1"), node("1Gi", "64")], Grade.WARNING),
        ([node("4Gi", "4", cordoned=True)], Grade.WARNING),
        ([node("4Gi", "4", ready="Unknown")], Grade.WARNING),
        ([], Grade.WARNING),
    ],
)
def test_one_ready_node_must_have_room_for_the_whole_of_a_job(nodes, grade):
    (found,) = kube_cluster_checks._judge_nodes(nodes, ALL, number)
    assert found.grade is grade


@pytest.fixture
def allow(monkeypatch):
    """Let an account have these rights."""

    def make(*rights):
        monkeypatch.setattr(kube_cluster_checks, "_review", lambda _api, _namespace, right: right in rights)

    return make


def test_the_rights_of_the_role_are_enough_and_not_too_many(allow):
    allow(*RIGHTS)
    assert [one.grade for one in kube_cluster_checks.check_rights(None, "n")] == [Grade.GOOD]


@pytest.mark.parametrize("missing", RIGHTS, ids=str)
def test_a_missing_right_is_named(allow, missing):
    allow(*(one for one in RIGHTS if one != missing))
    (found,) = kube_cluster_checks.check_rights(None, "n")
    assert found.grade is Grade.WRONG
    assert kube_cluster_checks._spoken(missing) in found.text
    assert "kubectl apply -k" in found.fix


def test_an_administrator_is_more_than_jobs_need(allow):
    allow(*RIGHTS, ("secrets", None, "get"))
    assert Grade.WARNING in [one.grade for one in kube_cluster_checks.check_rights(None, "n")]


OPTIONS = {
    ("state_store", "clear_on_success"): "True",
    ("execution_api", "jwt_expiration_time"): "600",
    ("scheduler", "task_queued_timeout"): "600.0",
    ("core", "sensitive_var_conn_names"): "kube_config,other",
}


def an_airflow(*, kind="kubernetes", options=(), slots=128, dags=ALL_DAGS):
    shown = OPTIONS | dict(options)
    return SimpleNamespace(
        url="http://airflow",
        connection_type=lambda _: kind,
        option=lambda section, name: shown[section, name],
        pools=lambda: {"default_pool": slots},
        parsed_dags=lambda: dict.fromkeys(dags),
        import_errors=lambda: {"x.py": "Traceback\nKeyError: 'x'"},
    )


def parts_of(backend="kubernetes", *, slots=128, part=16, vcf=16):
    limits = {"import-part": part, "import-vcf": vcf, "maintain-tables": 1}
    api = SimpleNamespace(pools=lambda: {"default_pool": slots}, most_runs=lambda: limits)
    return list(airflow_checks.check_parts(api, load_settings({"RADIANT_BACKEND": backend})))


def test_fewer_parts_at_once_than_the_pool_has_room_for_are_named_with_the_setting():
    (found,) = parts_of(vcf=20)
    assert found.grade is Grade.WARNING
    assert "16 parts are imported at once (max_active_runs: import-part 16, import-vcf 20)" in found.text
    assert "128 slots, room for 42" in found.text
    assert "AIRFLOW__CORE__MAX_ACTIVE_RUNS_PER_DAG=42" in found.fix
    (found,) = parts_of(slots=-1)
    assert "no limit" in found.text
    assert "AIRFLOW__CORE__MAX_ACTIVE_RUNS_PER_DAG=64" in found.fix


def test_as_many_parts_as_the_pool_has_room_for_and_jobs_of_this_machine_need_nothing():
    for enough in (parts_of(part=42, vcf=42), parts_of(slots=48), parts_of(slots=-1, part=None, vcf=None)):
        assert [one.grade for one in enough] == [Grade.GOOD]
    assert parts_of(backend="local") == []


def verdicts(api):
    return {one.grade for one in airflow_checks.check_airflow(api, "kubernetes_conn")}


def test_an_airflow_as_it_should_be_has_nothing_to_fix():
    assert verdicts(an_airflow()) == {Grade.GOOD}
    assert verdicts(an_airflow(slots=-1)) == {Grade.GOOD}


@pytest.mark.parametrize(
    ("option", "value", "variable"),
    [
        (("state_store", "clear_on_success"), "False", "AIRFLOW__STATE_STORE__CLEAR_ON_SUCCESS=True"),
        (("execution_api", "jwt_expiration_time"), "60", "AIRFLOW__EXECUTION_API__JWT_EXPIRATION_TIME=600"),
        (("core", "sensitive_var_conn_names"), "", "AIRFLOW__CORE__SENSITIVE_VAR_CONN_NAMES=kube_config"),
    ],
)
def test_a_setting_that_jobs_suffer_from_is_reported_with_its_variable(option, value, variable):
    found = list(airflow_checks.check_airflow(an_airflow(options={option: value}), "kubernetes_conn"))
    (finding,) = [one for one in found if one.grade is not Grade.GOOD]
    assert (finding.grade, finding.fix) == (Grade.WARNING, variable)


def test_settings_that_airflow_does_not_show_are_unknown_not_good():
    found = verdicts(an_airflow(options=dict.fromkeys(OPTIONS)))
    assert found == {Grade.GOOD, Grade.UNKNOWN}


@pytest.mark.parametrize(
    ("api", "grade"),
    [
        (an_airflow(kind="aws"), Grade.WRONG),
        (an_airflow(kind=None), Grade.WARNING),
        (an_airflow(slots=0), Grade.WRONG),
        (an_airflow(slots=2), Grade.WARNING),
        (an_airflow(dags=ALL_DAGS[1:]), Grade.WRONG),
    ],
)
def test_connection_and_pool_are_judged(api, grade):
    assert grade in verdicts(api)


@pytest.mark.parametrize(
    ("kind", "installed", "grade", "fix"),
    [
        ("smtp", NOTIFIERS["smtp"].package, Grade.GOOD, ""),
        (None, NOTIFIERS["smtp"].package, Grade.WARNING, "airflow connections add mail"),
        ("smtp", "apache-airflow-providers-http", Grade.WRONG, f"pip install {NOTIFIERS['smtp'].package}"),
    ],
)
def test_each_notifier_needs_its_provider_and_its_connection(kind, installed, grade, fix):
    api = an_airflow(kind=kind)
    api.providers = lambda: frozenset({installed})
    settings = load_settings({"RADIANT_NOTIFY": "smtp://mail?to=a@b.org"})
    (found,) = airflow_checks.check_notify(api, settings)
    assert found.grade is grade
    assert fix in (found.fix or "")
    assert list(airflow_checks.check_notify(api, load_settings({}))) == []


def test_what_to_do_stands_below_what_is_wrong(capsys):
    print_results(iter([good("access", "fine"), wrong("rights", "none", "get some")]))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines] == [
        ["ok", "access", "fine"],
        ["wrong", "rights", "none"],
        ["->", "get", "some"],
    ]
