"""The plugin that Airflow loads by the entry point `airflow.plugins`.

Every process of Airflow loads it, each task's too, so this module imports neither the pages nor a database: the API
server alone asks for `fastapi_apps`, and pays for them then.
"""

from typing import Any

from airflow.plugins_manager import AirflowPlugin

PREFIX = "radiant"
"""Where the pages are, below Airflow's own address."""


class RadiantPlugin(AirflowPlugin):
    """Pages about cases: in Airflow's navigation, on a DAG run and on a task instance."""

    name = "radiant"
    external_views: list[Any] = [  # noqa: RUF012 - Airflow declares it so
        {
            "name": "Radiant",
            "href": f"{PREFIX}/",
            "destination": "nav",
            "url_route": "radiant",
            "nav_top_level": True,
            "icon": f"{PREFIX}/static/icon.svg",
        },
        {
            "name": "Radiant",
            "href": f"{PREFIX}/run?tab=1&dag_id={{DAG_ID}}&run_id={{RUN_ID}}",
            "destination": "dag_run",
            "url_route": "radiant-run",
            "icon": f"{PREFIX}/static/icon.svg",
        },
        {
            "name": "Radiant",
            "href": f"{PREFIX}/task?dag_id={{DAG_ID}}&run_id={{RUN_ID}}&task_id={{TASK_ID}}&map_index={{MAP_INDEX}}",
            "destination": "task_instance",
            "url_route": "radiant-task",
            "icon": f"{PREFIX}/static/icon.svg",
        },
    ]

    @property
    def operator_extra_links(self) -> list[Any]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Links on the tasks of jobs, for the API server: other processes of Airflow ask for none."""
        from radiant.ui.links import CaseLink, ConsoleLink  # noqa: PLC0415 - see above

        return [CaseLink(), ConsoleLink()]

    @property
    def fastapi_apps(self) -> list[Any]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The pages' application; Airflow protects none of a plugin's, each of its routes checks rights itself."""
        from radiant.ui.app import make_app  # noqa: PLC0415 - see above

        return [{"name": "radiant", "app": make_app(), "url_prefix": f"/{PREFIX}"}]
