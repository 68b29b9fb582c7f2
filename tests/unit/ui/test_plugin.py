"""What every process of Airflow pays for the plugin, and what the API server is given."""

import subprocess
import sys

from airflow.plugins_manager import AirflowPlugin

from radiant.ui.plugin import RadiantPlugin

LOADED = "import sys, airflow.plugins_manager, radiant.ui.plugin as p; p.RadiantPlugin(); print(*sorted(sys.modules))"


def test_loading_the_plugin_loads_neither_pages_nor_registry_nor_fastapi():
    found = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True).stdout.split()
    ours = {name for name in found if name.startswith("radiant")}
    assert "fastapi" not in found
    assert ours - {"radiant.provider_info"} == {"radiant", "radiant.ui", "radiant.ui.plugin"}


def test_the_pages_need_no_library_of_the_worker():
    script = "import sys, radiant.ui.app as a; a.make_app(); print(*sorted(sys.modules))"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert {"pyarrow", "pyiceberg", "pysam", "numpy"}.isdisjoint(found)


def test_it_is_a_plugin_of_airflow_by_its_entry_point():
    from importlib.metadata import entry_points  # noqa: PLC0415 - beside what it finds

    (found,) = [one for one in entry_points(group="airflow.plugins") if one.dist.name == "radiant"]
    assert found.load() is RadiantPlugin
    assert issubclass(RadiantPlugin, AirflowPlugin)


def test_addresses_of_views_are_relative_so_that_airflow_may_have_a_path_before_them():
    for view in RadiantPlugin.external_views:
        assert not view["href"].startswith("/"), view
        assert "://" not in view["href"], view
