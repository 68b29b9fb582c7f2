import dataclasses
import itertools

import pytest

from radiant.costs.compare import MOST_A_DAY, Place, compare
from radiant.costs.container import Capacity, Container, container_cost, node_share
from radiant.costs.mwaa import job_slots, smallest_class
from radiant.costs.prices import built_in_prices
from radiant.costs.workload import JobSize, Workload, built_in_figures

PRICES, FIGURES = built_in_prices(), built_in_figures()
NODE = PRICES.node("m5.xlarge")
SMALL, MEDIUM, LARGE = PRICES.mwaa.classes


def workload(per_day=20.0, *, cpu=2.0, memory_mib=2048, cases_per_run=1.0, keeps_vcf=True):
    small = (JobSize(0.5, 1024, 1),) * 3
    return Workload(7300, per_day, 5_000_000, cases_per_run, JobSize(cpu, memory_mib, 20), small, keeps_vcf)


def months(**given):
    found = compare(workload(**given), PRICES, FIGURES, NODE)
    return {one.place: one.month for one in found.options}


@pytest.mark.parametrize(
    ("kind", "memory_mib", "slots"),
    [(SMALL, 2048, 0), (SMALL, 1536, 1), (SMALL, 1537, 0), (SMALL, 512, 1), (MEDIUM, 2048, 1), (LARGE, 2048, 2)],
)
def test_memory_and_cores_decide_how_many_imports_a_worker_runs(kind, memory_mib, slots):
    assert job_slots(kind, 2, memory_mib) == slots


def test_an_import_that_needs_gigabytes_fits_on_the_workers_of_no_class_with_a_price():
    assert smallest_class(PRICES.mwaa, 2, 7680) is LARGE
    assert smallest_class(PRICES.mwaa, 2, 7681) is None
    found = compare(workload(memory_mib=7681), PRICES, FIGURES, NODE)
    assert found.option(Place.MWAA).month is None
    assert found.option(Place.FARGATE).month is not None
    assert found.mwaa is None


def test_containers_grow_with_the_cases_and_an_environment_does_not():
    few, many = months(per_day=2), months(per_day=200)
    assert many[Place.FARGATE] == pytest.approx(100 * few[Place.FARGATE])
    assert many[Place.MWAA] == few[Place.MWAA] == pytest.approx((0.74 - 0.49) * 730)


def test_more_cases_than_the_included_worker_holds_need_more_workers():
    found = compare(workload(), PRICES, FIGURES, NODE).mwaa
    until = int(found.included_per_day)
    assert months(per_day=until)[Place.MWAA] == pytest.approx(found.difference_month)
    assert months(per_day=until + 1)[Place.MWAA] == pytest.approx(found.difference_month + 0.11 * 8 * 730 / 24)


@pytest.mark.parametrize(("cpu", "memory_mib"), [(2, 2048), (1, 768), (4, 12000)])
def test_a_break_even_point_is_the_first_number_of_cases_at_which_the_order_changes(cpu, memory_mib):
    found = compare(workload(cpu=cpu, memory_mib=memory_mib), PRICES, FIGURES, NODE)
    for point in found.break_even:
        days = {1, 2, 20, 200, MOST_A_DAY} | ({point.per_day, point.per_day - 1} if point.per_day else set())
        for per_day in days - {0}:
            month = months(per_day=per_day, cpu=cpu, memory_mib=memory_mib)
            cheaper, than = month[point.cheaper], month[point.than]
            less = cheaper is not None and (than is None or cheaper < than)
            assert not (less and (point.per_day is None or per_day < point.per_day)), (point, per_day)
            if per_day == point.per_day:
                assert less


def test_spot_costs_as_much_as_fargate_at_the_interruptions_named():
    found = compare(workload(), PRICES, FIGURES, NODE)
    disturbed = dataclasses.replace(FIGURES.assumed, interrupted_share=found.spot_interruptions)
    again = compare(workload(), PRICES, dataclasses.replace(FIGURES, assumed=disturbed), NODE)
    assert again.option(Place.SPOT).month == pytest.approx(again.option(Place.FARGATE).month)


def test_failed_and_interrupted_containers_are_paid_for():
    calm = dataclasses.replace(FIGURES.assumed, failed_share=0.0, interrupted_share=0.0)
    before = compare(workload(), PRICES, dataclasses.replace(FIGURES, assumed=calm), NODE)
    after = compare(workload(), PRICES, FIGURES, NODE)
    assert after.option(Place.FARGATE).month == pytest.approx(1.02 * before.option(Place.FARGATE).month)
    assert after.option(Place.SPOT).month > 1.02 * before.option(Place.SPOT).month


def test_the_jobs_of_a_run_are_shared_by_its_cases():
    alone, together = months(cases_per_run=1)[Place.FARGATE], months(cases_per_run=10)[Place.FARGATE]
    small = 1.02 * 3 * (0.5 * 0.04048 + 0.004445) / 60 * 20 * 730 / 24
    assert alone - together == pytest.approx(0.9 * small)


def test_a_container_that_takes_a_whole_node_does_not_fit_on_it():
    assert node_share(Container(2, 2048, 20, 60), PRICES.node("m5.large")) is None
    assert node_share(Container(2, 2048, 20, 60), NODE) == 0.5
    assert node_share(Container(0.5, 8192, 20, 60), NODE) == 0.5
    found = compare(workload(), PRICES, FIGURES, PRICES.node("m5.large"))
    assert [found.option(place).month for place in (Place.SHARED_NODE, Place.OWN_NODE, Place.OWN_EKS)] == [None] * 3
    assert found.option(Place.OWN_NODE).note == "the jobs do not fit on m5.large"


def test_no_price_falls_when_a_container_requests_more_or_runs_longer():
    sizes = [(0.25, 512), (0.5, 1024), (1, 2048), (2, 4096), (3, 9000), (4, 12000)]
    for capacity, seconds in itertools.product(Capacity, (10, 60, 61, 3600)):
        costs = [container_cost(Container(*size, 20, seconds), capacity, PRICES, NODE) for size in sizes]
        found = [one for one in costs if one is not None]
        assert found == sorted(found)
        assert len(found) >= 4
    assert container_cost(Container(16, 122881, 20, 60), Capacity.FARGATE, PRICES, NODE) is None


def test_storage_counts_the_vcf_only_where_it_stays():
    kept = compare(workload(), PRICES, FIGURES, NODE).everywhere.stored_bytes
    dropped = compare(workload(keeps_vcf=False), PRICES, FIGURES, NODE).everywhere.stored_bytes
    assert (kept, dropped) == (5 * (168e6 + 156e6), 5 * 168e6)


@pytest.mark.parametrize(("cores", "seconds"), [(0.5, 0.6 + 35), (1, 0.6 + 17.5), (2, 0.6 + 10.8), (8, 0.6 + 10.8)])
def test_cores_that_were_not_measured_make_no_import_faster(cores, seconds):
    assert FIGURES.import_case.seconds(1_000_000, cores) == pytest.approx(seconds)
