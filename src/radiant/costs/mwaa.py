"""Jobs as tasks on the workers of Amazon MWAA: which class could run one at all, and what that costs."""

import math
from dataclasses import dataclass

from radiant.costs.prices import DAYS_PER_MONTH, HOURS_PER_MONTH, MwaaClass, MwaaPrices

AIRFLOW_MIB = 512
"""Memory of a worker that Airflow's own processes take: an assumption, `radiant costs` prints it."""
_MIB_PER_GIB = 1024
_S_PER_HOUR = 3600


@dataclass(frozen=True, slots=True)
class MwaaBill:
    """A month of jobs on MWAA's workers, beside the smallest environment, which Airflow needs in any case."""

    name: str
    """Of the class."""
    larger_environment: float
    """A month of this class less a month of the smallest class."""
    extra_workers: int
    """Workers beside the one that the environment's price includes."""
    extra_workers_month: float

    @property
    def month(self) -> float:
        """Both together."""
        return self.larger_environment + self.extra_workers_month


def job_slots(kind: MwaaClass, cpu: float, memory_mib: int) -> int:
    """Return how many such jobs one worker can run at once; 0 where its memory holds none.

    A job that requests more cores than the worker has runs on those there are.
    """
    by_memory = math.floor((kind.memory_gib * _MIB_PER_GIB - AIRFLOW_MIB) / memory_mib)
    return max(min(by_memory, max(math.floor(kind.vcpu / cpu), 1)), 0)


def smallest_class(prices: MwaaPrices, cpu: float, memory_mib: int) -> MwaaClass | None:
    """Return the smallest class whose workers can run such a job, None where no class of the price list can."""
    return next((kind for kind in prices.classes if job_slots(kind, cpu, memory_mib)), None)


def class_difference(kind: MwaaClass, prices: MwaaPrices) -> float:
    """Return a month of the class less a month of the smallest class."""
    return (kind.environment_hour - prices.classes[0].environment_hour) * HOURS_PER_MONTH


def jobs_a_day(kind: MwaaClass, cpu: float, memory_mib: int, job_s: float, window_h: float) -> float:
    """Return how many jobs a day one worker runs within `window_h` hours, if it has nothing else to do."""
    return job_slots(kind, cpu, memory_mib) * window_h * _S_PER_HOUR / job_s


def mwaa_bill(prices: MwaaPrices, kind: MwaaClass, workers: int, window_h: float) -> MwaaBill:
    """Return the bill of a month.

    Args:
        prices: MWAA's prices.
        kind: The class; its workers must be able to run the job.
        workers: As many as the jobs of a day need, the included one among them.
        window_h: Hours of each day in which the workers beside the first run.
    """
    extra = max(workers - 1, 0)
    hours = window_h * DAYS_PER_MONTH
    return MwaaBill(kind.name, class_difference(kind, prices), extra, extra * kind.worker_hour * hours)
