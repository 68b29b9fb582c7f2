"""What is checked in a running Airflow: DAGs, connection, and the settings that jobs depend on."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from radiant.cli.check_result import CheckResult, good, unknown, warning, wrong
from radiant.jobs.dag_ids import ALL_DAGS, IMPORT_PART, IMPORT_VCF
from radiant.setting_types import NOTIFIERS
from radiant.settings import Settings

if TYPE_CHECKING:
    from radiant.cli.airflow_api import AirflowApi

_TOKEN_S = 600
"""Airflow's own default; a shorter life ends tasks whose worker was busy or cut off for a moment."""
POOL = "default_pool"
_OF_A_PART = (IMPORT_PART, IMPORT_VCF)
_SLOTS_OF_A_PART = 3
"""The tasks that wait for its two runs, where waiting tasks hold slots, and one that imports."""
SLOTS = 16
"""As many tasks of a DAG as Airflow runs at once by default (`[core] max_active_tasks_per_dag`)."""


def check_airflow(api: "AirflowApi", conn_id: str | None) -> Iterator[CheckResult]:
    """Look at DAGs, connection and Airflow's settings; raises what the API raises.

    Args:
        api: of the Airflow.
        conn_id: of the connection to the cluster; None where jobs run elsewhere.
    """
    yield _dags(api)
    if conn_id is not None:
        yield _connection(api, conn_id)
    yield _option(
        api,
        ("state_store", "clear_on_success"),
        lambda value: value.lower() == "true",
        "a task that is cleared finds the state of its last success",
        "True",
    )
    for section in ("execution_api", "scheduler"):
        name = {"execution_api": "jwt_expiration_time", "scheduler": "task_queued_timeout"}[section]
        yield _option(
            api,
            (section, name),
            lambda value: float(value) >= _TOKEN_S,
            f"the token of a task ends before {_TOKEN_S} s; one that waits or is cut off for longer fails",
            str(_TOKEN_S),
        )
    yield _option(
        api,
        ("core", "sensitive_var_conn_names"),
        lambda value: "kube_config" in value,
        "Airflow's API shows the kubeconfig of the connection to every user that may read connections",
        "kube_config",
    )
    yield _pool(api)


def _dags(api: "AirflowApi") -> CheckResult:
    missing = sorted(set(ALL_DAGS).difference(api.parsed_dags()))
    if not missing:
        return good("airflow", f"{len(ALL_DAGS)} DAGs are read")
    errors = [f"{file}: {trace.strip().splitlines()[-1]}" for file, trace in api.import_errors().items()]
    return wrong(
        "airflow",
        f"the DAGs {', '.join(missing)} are not there{'; '.join(('', *errors))}",
        "correct the file, or put the folder dags of the checkout into Airflow's DAG bundle",
    )


def check_notify(api: "AirflowApi", settings: Settings) -> Iterator[CheckResult]:
    """Look for the provider and the connection of each notifier of RADIANT_NOTIFY; raises what the API raises."""
    installed = api.providers() if settings.notify else frozenset[str]()
    for one in settings.notify:
        package = NOTIFIERS[one.scheme].package
        if package not in installed:
            yield wrong("notify", f"{one.scheme}: {package} is not installed in Airflow", f"pip install {package}")
        elif api.connection_type(one.conn_id) is None:
            yield warning(
                "notify",
                f"{one.scheme}: {one.conn_id} is not in Airflow's database",
                f"fine where a variable or a secrets backend has it; else `airflow connections add {one.conn_id}`",
            )
        else:
            yield good("notify", f"{one.scheme} by the connection {one.conn_id}")


def check_parts(api: "AirflowApi", settings: Settings) -> Iterator[CheckResult]:
    """Compare how many parts Airflow imports at once with what its pool has room for; raises what the API raises.

    Each part is a run of `import-part` and one of `import-vcf`. Jobs of this machine are bounded by it, not by Airflow.
    """
    slots = api.pools().get(POOL)
    if settings.backend == "local" or not slots:
        return
    limits = {name: limit for name, limit in api.most_runs().items() if name in _OF_A_PART and limit is not None}
    room = max(1, slots // _SLOTS_OF_A_PART)
    if not limits or (slots > 0 and min(limits.values()) >= room):
        yield good("airflow", f"{min(limits.values(), default='all')} parts are imported at once")
        return
    least = min(limits.values())
    found = ", ".join(f"{name} {limit}" for name, limit in sorted(limits.items()))
    yield warning(
        "airflow",
        f"{least} parts are imported at once (max_active_runs: {found}); pool {POOL} has "
        f"{'no limit' if slots < 0 else f'{slots} slots, room for {room}'}",
        f"fine where an import has no more than {least} parts; else "
        f"AIRFLOW__CORE__MAX_ACTIVE_RUNS_PER_DAG={room if slots > 0 else 4 * least}, and where a DAG file sets "
        "max_active_runs itself, there (docs/tuning.md)",
    )


def _connection(api: "AirflowApi", conn_id: str) -> CheckResult:
    kind = api.connection_type(conn_id)
    if kind is None:
        return warning(
            "connection",
            f"{conn_id} is not in Airflow's database",
            "fine where a variable or a secrets backend has it; else `radiant kube connection --apply`",
        )
    if kind != "kubernetes":
        return wrong(
            "connection",
            f"{conn_id} is of type {kind}, not kubernetes",
            "`radiant kube connection --apply` replaces it",
        )
    return good("connection", f"{conn_id} is in {api.url}")


def _option(
    api: "AirflowApi", option: tuple[str, str], holds: Callable[[str], bool], text: str, value: str
) -> CheckResult:
    section, name = option
    variable = f"AIRFLOW__{section.upper()}__{name.upper()}"
    found = api.option(section, name)
    if found is None:
        return unknown(
            "airflow",
            f"[{section}] {name}: Airflow does not show its settings",
            f"AIRFLOW__API__EXPOSE_CONFIG=True, or look there: airflow config get-value {section} {name}",
        )
    if holds(found):
        return good("airflow", f"[{section}] {name} is {found}")
    return warning("airflow", f"[{section}] {name} is {found or 'empty'}: {text}", f"{variable}={value}")


def _pool(api: "AirflowApi") -> CheckResult:
    slots = api.pools().get(POOL)
    if slots is None or slots == 0:
        return wrong("airflow", f"pool {POOL} has no slot: no task starts", f"airflow pools set {POOL} 128 ''")
    if 0 < slots < SLOTS:
        return warning("airflow", f"pool {POOL} has {slots} slots only", f"airflow pools set {POOL} 128 ''")
    return good("airflow", f"pool {POOL} has {'no limit' if slots < 0 else f'{slots} slots'}")
