"""Refusals of a registry's database, and their messages."""

import sqlite3

import pytest

from radiant.errors import InputError, RegistryError
from radiant.registry import Registry


@pytest.mark.parametrize(
    "ask",
    [
        lambda registry, number: registry.get(number),
        lambda registry, number: registry.remove(number),
        lambda registry, number: registry.history(number),
        lambda registry, number: registry.due([number]),
    ],
    ids=["get", "remove", "history", "due"],
)
def test_a_case_number_beyond_64_bits_is_bad_input(tmp_path, ask):
    registry = Registry(f"sqlite:///{tmp_path}/registry.db")
    with pytest.raises(InputError, match="whole numbers from 1 to 9223372036854775807"):
        ask(registry, 2**63)


def test_a_lost_table_is_damage_and_not_a_server_to_wait_for(tmp_path):
    registry = Registry(f"sqlite:///{tmp_path}/registry.db")
    with sqlite3.connect(tmp_path / "registry.db") as connection:
        connection.execute("DROP TABLE radiant_member")
        connection.execute("DROP TABLE radiant_file")
        connection.execute("DROP TABLE radiant_history")
        connection.execute("DROP TABLE radiant_load")
        connection.execute("DROP TABLE radiant_case")
    connection.close()
    with pytest.raises(RegistryError, match=r"is damaged \(no such table.*Restore its file") as error:
        registry.list_cases()
    assert not error.value.retryable


def test_a_file_that_is_no_database_is_damage(tmp_path):
    (tmp_path / "registry.db").write_bytes(b"no database" * 500)
    with pytest.raises(RegistryError, match=r"is damaged \(file is not a database.*Restore its file"):
        Registry(f"sqlite:///{tmp_path}/registry.db")
