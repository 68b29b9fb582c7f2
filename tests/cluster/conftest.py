"""Fixtures of the tests on a real cluster."""

import pytest

from cluster.backend import DeferrablePodBackend, PodBackend
from cluster.site import NoClusterError, site


@pytest.fixture(scope="session")
def cluster():
    """A namespace of a real cluster; the tests are skipped where there is none."""
    try:
        with site() as found:
            yield found
    except NoClusterError as error:
        pytest.skip(str(error))


@pytest.fixture
def pods(cluster, tmp_path_factory, monkeypatch):
    """Jobs as pods, followed in the task's own process."""
    cluster.clean()
    return PodBackend(cluster.folder / tmp_path_factory.mktemp("pods").name, monkeypatch, cluster)


@pytest.fixture
def deferred_pods(cluster, tmp_path_factory, monkeypatch):
    """Jobs as pods, followed in the triggerer."""
    cluster.clean()
    return DeferrablePodBackend(cluster.folder / tmp_path_factory.mktemp("pods").name, monkeypatch, cluster)
