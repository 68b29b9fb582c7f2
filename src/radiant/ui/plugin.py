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
    ]

    @property
    def fastapi_apps(self) -> list[Any]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The pages' application; Airflow protects none of a plugin's, each of its routes checks rights itself."""
        from radiant.ui.app import make_app  # noqa: PLC0415 - see above

        return [{"name": "radiant", "app": make_app(), "url_prefix": f"/{PREFIX}"}]
