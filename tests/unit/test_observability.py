"""The dashboard, the alert rules and the page of the metrics name metrics that jobs have."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from radiant.worker.metrics import METRICS, Instrument

REPOSITORY = Path(__file__).parents[2]
FOLDER = REPOSITORY / "deploy" / "observability"
DASHBOARD = json.loads((FOLDER / "dashboard.json").read_text())
SUFFIXES = {"s": "_seconds", "By": "_bytes"}


def in_prometheus(metric):
    """Return the name that Prometheus and the collector give an OTLP metric: unit and kind are its suffixes."""
    total = "_total" if metric.kind is Instrument.COUNTER else ""
    return metric.name.replace(".", "_") + SUFFIXES.get(metric.unit, "") + total


NAMES = {in_prometheus(one): one for one in METRICS}
SERIES = {
    f"{name}{suffix}": one
    for name, one in NAMES.items()
    for suffix in (("_bucket", "_count", "_sum") if one.kind is Instrument.HISTOGRAM else ("",))
}


def expressions():
    yield from (target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"])
    yield from re.findall(r"expr: (.+(?:\n {10,}.+)*)", (FOLDER / "alerts.yaml").read_text())


def test_the_page_has_every_metric_as_it_is():
    page = (REPOSITORY / "docs" / "telemetry.md").read_text()
    for name, one in NAMES.items():
        assert f"| `{one.name}` | `{name}` | {one.kind} | {', '.join(one.labels)} | {one.meaning} |\n" in page


@pytest.mark.parametrize("expression", list(expressions()))
def test_an_expression_names_metrics_and_labels_that_there_are(expression):
    found = re.findall(r"(radiant_\w+)(?:\{([^}]*)\})?", expression)
    assert found
    for name, labels in found:
        assert name in SERIES, name
        assert set(re.findall(r"(\w+)(?:=~|!=|=)", labels)) <= {*SERIES[name].labels, "le"}


def test_the_panels_of_the_dashboard_have_titles_and_do_not_overlap():
    panels = DASHBOARD["panels"]
    assert len({one["id"] for one in panels}) == len(panels)
    assert all(one["title"] and one["description"] for one in panels)
    cells = [
        (x, y)
        for place in (one["gridPos"] for one in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


def test_the_alert_rules_pass_prometheus_s_own_tests():
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed; on Debian: apt-get install prometheus")
    for arguments in (["check", "rules", "alerts.yaml"], ["test", "rules", "alerts_test.yaml"]):
        ended = subprocess.run([promtool, *arguments], cwd=FOLDER, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stdout + ended.stderr
