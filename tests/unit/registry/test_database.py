"""What the registry's database cannot hold is bad input, not a bug."""

import pytest

from radiant.errors import InputError
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
