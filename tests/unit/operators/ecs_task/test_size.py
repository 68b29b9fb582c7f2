import itertools

import pytest

from fakes.ecs.sizes import FARGATE_MIB as ACCEPTED
from radiant.costs.fargate_size import FARGATE_MIB, Size
from radiant.errors import JobRefusedError
from radiant.operators.ecs_task.size import fargate_size, task_size


def test_the_table_is_what_the_service_accepts():
    assert {units: list(sizes) for units, sizes in FARGATE_MIB.items()} == ACCEPTED


def test_every_valid_size_stays_as_it_is():
    for units, sizes in ACCEPTED.items():
        for memory_mib in sizes:
            found = fargate_size(units / 1024, memory_mib)
            assert found.memory_mib == memory_mib
            assert found.cpu_units == units


def test_one_more_than_a_valid_size_is_the_next_one_up_and_nothing_smaller_would_do():
    every = sorted((units, memory_mib) for units, sizes in ACCEPTED.items() for memory_mib in sizes)
    cores = (0.1, 0.25, 0.26, 0.5, 0.75, 1, 1.5, 2, 3, 4, 7.9, 8, 9, 16)
    wanted = {memory_mib + more for _, memory_mib in every for more in (-1, 0, 1)} - {122881}
    for cpu, memory_mib in itertools.product(cores, sorted(wanted)):
        enough = [(units, mib) for units, mib in every if units >= cpu * 1024 and mib >= memory_mib]
        assert fargate_size(cpu, memory_mib) == Size(*min(enough)), (cpu, memory_mib)


@pytest.mark.parametrize(("cpu", "memory_mib"), [(16.1, 512), (0.25, 122881), (17, 200000)])
def test_more_than_the_largest_size_is_refused_with_what_to_do(cpu, memory_mib):
    with pytest.raises(JobRefusedError, match="RADIANT_ECS__CAPACITY_PROVIDER"):
        fargate_size(cpu, memory_mib)


def test_instances_give_exactly_what_is_asked_for():
    assert task_size(0.3, 777, "instances") == Size(308, 777)
    assert task_size(0.3, 777, "FARGATE_SPOT") == Size(512, 1024)
