"""The contract of every backend, on pods: the suite in both ways of waiting."""

import pytest

from cluster.backend import DeferrablePodBackend, PodBackend
from contract.test_backend_contract import *  # noqa: F403 - every test of the contract

_WAYS = {"kubernetes": PodBackend, "kubernetes-deferrable": DeferrablePodBackend}


@pytest.fixture
def backend(request, cluster, tmp_path_factory, monkeypatch):
    cluster.clean()  # a job of this suite requests a whole small node, and a drained one goes on
    return _WAYS[request.param](cluster.folder / tmp_path_factory.mktemp("contract").name, monkeypatch, cluster)


def pytest_generate_tests(metafunc):
    """Nothing is drained where a task waits in the triggerer."""
    if "backend" in metafunc.fixturenames:
        ways = [way for way, kind in _WAYS.items() if not (kind.deferrable and "drained" in metafunc.function.__name__)]
        metafunc.parametrize("backend", ways, indirect=True)
