import socket
import threading

import pytest

from radiant.cli import ports
from radiant.cli.ports import is_free, reserved_ports
from radiant.errors import ConfigError


@pytest.fixture
def listening():
    """A port that something listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_port_with_a_listener_is_not_free(listening):
    assert not is_free(listening)


def test_a_port_that_only_lingers_after_a_connection_is_free():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            accepted, _ = server.accept()
            # The side that closes first keeps the port in TIME_WAIT.
            accepted.close()
    assert is_free(port)


def test_the_preferred_port_is_taken_when_it_is_free():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with reserved_ports(port) as (reserved,):
        assert reserved == port


def test_a_taken_port_is_replaced_by_the_next_free_one(listening):
    with reserved_ports(listening) as (reserved,):
        assert reserved > listening
        assert is_free(reserved)


def test_two_runs_never_reserve_the_same_port():
    with reserved_ports(23000) as (mine,), reserved_ports(23000) as (theirs,):
        assert mine != theirs


def test_ports_of_one_run_differ_even_when_the_preferred_ones_overlap():
    with reserved_ports(23100, 23100, 23101) as reserved:
        assert len(set(reserved)) == 3


def test_a_reservation_ends_with_its_block():
    with reserved_ports(23200) as (first,):
        pass
    with reserved_ports(23200) as (second,):
        assert second == first


def test_running_out_of_ports_says_between_which(monkeypatch):
    monkeypatch.setattr(ports, "is_free", lambda _: False)
    with pytest.raises(ConfigError, match="between 23300 and 23499"), reserved_ports(23300):
        pass


def test_parallel_reservations_of_threads_are_disjoint():
    found: list[int] = []
    together = threading.Barrier(4)

    def reserve():
        with reserved_ports(23500, 23510) as reserved:
            found.extend(reserved)
            together.wait(60)

    threads = [threading.Thread(target=reserve) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 8
