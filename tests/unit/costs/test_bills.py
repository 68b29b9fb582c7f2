"""The bills that docs/costs.md computes by hand, computed by the model."""

import re
from pathlib import Path

import pytest

from radiant.cli.costs import workload_of
from radiant.costs.compare import Place, compare
from radiant.costs.container import Capacity, Container, container_cost
from radiant.costs.history import Attempt, Ending, bill
from radiant.costs.mwaa import mwaa_bill
from radiant.costs.prices import HOURS_PER_MONTH, built_in_prices
from radiant.costs.storage import log_cost, request_cost, storage_month
from radiant.costs.workload import JobSize, Workload, built_in_figures
from radiant.settings import load_settings

PAGE = (Path(__file__).parents[3] / "docs" / "costs.md").read_text()
PRICES, FIGURES = built_in_prices(), built_in_figures()
NODE = PRICES.node("m5.xlarge")
FARGATE, SPOT, ARM = Capacity.FARGATE, Capacity.FARGATE_SPOT, Capacity.FARGATE_ARM
SMALL, MEDIUM, LARGE = PRICES.mwaa.classes
GIB = 1 << 30
WORK = Workload(
    cases=7300,
    per_day=20,
    records=5_000_000,
    cases_per_run=1,
    importing=JobSize(2, 2048, 20),
    small_jobs=(*(JobSize(0.5, 1024, 1),) * 3, JobSize(0.25, 512, 1)),
    keeps_vcf=True,
)


def cost(capacity, seconds, *, cpu=2.0, memory_mib=4096, scratch_gib=20):
    return container_cost(Container(cpu, memory_mib, scratch_gib, seconds), capacity, PRICES, NODE)


def of_case(*, memory_mib, seconds, ending, ran_on=Capacity.FARGATE):
    return Attempt(
        run="run",
        job="import-case",
        case_id=1,
        ending=ending,
        reason=None,
        container=Container(2, memory_mib, 20, seconds),
        backend="ecs",
        ran_on=ran_on,
        seconds_measured=True,
        cpu_s=None,
        peak_memory_mib=None,
    )


def case_on(capacity, *attempts):
    return bill(attempts, PRICES, NODE).cases[0].costs[capacity]


IMPORT_S = FIGURES.assumed.image_start_s + FIGURES.import_case.seconds(5_000_000, 2)

BILLS = {
    "Fargate, 2 vCPU and 8 GB": cost(FARGATE, 3600, memory_mib=8192),
    "import of 5,000,000 records": cost(FARGATE, IMPORT_S, memory_mib=2048),
    "a job of 40 s": cost(FARGATE, 40, cpu=0.5, memory_mib=1024, scratch_gib=1),
    "the report of a run": cost(FARGATE, 40, cpu=0.25, memory_mib=512, scratch_gib=1),
    "2 vCPU, 4 GB and 100 GB": cost(FARGATE, 3600, scratch_gib=100),
    "the same on Spot": cost(SPOT, 3600, scratch_gib=100),
    "2 vCPU and 4 GB on ARM": cost(ARM, 3600),
    "out of memory": case_on(
        FARGATE,
        of_case(memory_mib=4096, seconds=70, ending=Ending.LOST),
        of_case(memory_mib=6144, seconds=84.6, ending=Ending.SUCCEEDED),
    ),
    "interrupted on Spot": case_on(
        SPOT,
        of_case(memory_mib=4096, seconds=50, ending=Ending.LOST),
        of_case(memory_mib=4096, seconds=84.6, ending=Ending.SUCCEEDED),
    ),
    "2 cores and 2 GiB of an m5.xlarge": cost(Capacity.NODE, 84.6, memory_mib=2048),
    "control plane of EKS": PRICES.eks.control_plane_hour * HOURS_PER_MONTH,
    "MWAA large instead of small": mwaa_bill(PRICES.mwaa, LARGE, 1, 8).month,
    "MWAA medium instead of small, and 2": mwaa_bill(PRICES.mwaa, MEDIUM, 3, 8).month,
    "tables of 5,000,000 records": storage_month(5 * FIGURES.stored.parquet_bytes_per_million, PRICES.s3),
    "requests of the import": request_cost(*WORK.requests(FIGURES), PRICES.s3),
    "1 GiB of log lines": log_cost(GIB, 12, PRICES.logs),
    "a case on Fargate": compare(WORK, PRICES, FIGURES, NODE).option(Place.FARGATE).per_case,
    "20 cases a day on Fargate": compare(WORK, PRICES, FIGURES, NODE).option(Place.FARGATE).month,
}

ON_PAPER = re.findall(
    r"^\| ([^|]+) \| [^|]+ \| ([\d.]+) \|$", PAGE.partition("## Bills computed by hand")[2], re.MULTILINE
)


@pytest.mark.parametrize(("text", "amount"), ON_PAPER, ids=[text[:30] for text, _ in ON_PAPER])
def test_the_model_reproduces_the_bill_on_paper(text, amount):
    (name,) = [name for name in BILLS if text.startswith(name)]
    assert BILLS[name] == pytest.approx(float(amount), abs=6e-7)


def test_each_bill_of_the_page_is_computed_and_each_computed_one_is_on_the_page():
    assert len(ON_PAPER) == len(BILLS) > 15
    assert {name for text, _ in ON_PAPER for name in BILLS if text.startswith(name)} == set(BILLS)


def test_the_bill_of_a_case_has_the_jobs_that_a_run_has():
    named = workload_of(load_settings({}), cases=7300, per_day=20, records=5_000_000, cpu=None, memory_mib=None)
    assert named == WORK


def test_an_attempt_on_spot_and_one_on_demand_are_billed_as_they_ran():
    spot = of_case(memory_mib=4096, seconds=70, ending=Ending.LOST, ran_on=Capacity.FARGATE_SPOT)
    demand = of_case(memory_mib=4096, seconds=100, ending=Ending.SUCCEEDED)
    local = of_case(memory_mib=4096, seconds=100, ending=Ending.SUCCEEDED, ran_on=None)
    found = bill([spot, demand], PRICES, NODE)
    assert found.as_it_ran == found.cases[0].as_it_ran == pytest.approx((0.04937 * 70 + 0.09874 * 100) / 3600)
    assert bill([spot, local], PRICES, NODE).as_it_ran is None
    assert bill([], PRICES, NODE).as_it_ran is None


@pytest.mark.parametrize(
    "formula", re.findall(r"^\| [^|]+ \| ([-\d.x+/() ]+) \| ([\d.]+) \|$", PAGE, re.MULTILINE), ids=lambda pair: pair[1]
)
def test_the_formula_on_paper_gives_its_amount(formula):
    written, amount = formula
    assert eval(written.replace("x", "*"), {}) == pytest.approx(float(amount), abs=6e-7)  # noqa: S307 - digits only
