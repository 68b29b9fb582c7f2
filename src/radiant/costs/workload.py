"""What is to be imported, and the measured figures behind an estimate: `figures.toml` beside this module."""

from dataclasses import dataclass
from functools import cache
from importlib import resources

from radiant.costs.container import Container
from radiant.costs.prices import DAYS_PER_MONTH, read_table
from radiant.costs.storage import ranges

_MILLION = 1e6
_TWO_CORES = 2


@dataclass(frozen=True, slots=True)
class ImportFigures:
    """How long the job `import-case` takes, and what it uses."""

    source: str
    wall_s_per_million_one_core: float
    wall_s_per_million_two_cores: float
    cpu_s_per_million: float
    start_s: float
    """Wall time of a job with next to no records."""
    peak_memory_mib: float

    def seconds(self, records: int, cores: float) -> float:
        """Return the wall time of the job's process.

        More than two cores count as two, since more were not measured; less than one slow it down in proportion.
        """
        per_million = (
            self.wall_s_per_million_two_cores if cores >= _TWO_CORES else self.wall_s_per_million_one_core
        ) / min(cores, 1)
        return self.start_s + records / _MILLION * per_million


@dataclass(frozen=True, slots=True)
class StoredFigures:
    """What an import reads and leaves behind."""

    source: str
    parquet_bytes_per_million: float
    vcf_bytes_per_million: float
    get_per_case: float
    """GET and HEAD of documents and tables, beside the ranges of the VCF."""
    put_per_case: float
    range_bytes: float
    """Bytes of the VCF that one GET reads."""


@dataclass(frozen=True, slots=True)
class Assumed:
    """What was not measured."""

    source: str
    image_start_s: float
    """From the start of the image's download to the job's process."""
    image_gb: float
    small_job_s: float
    """Wall time of each job of a run beside `import-case`."""
    log_bytes_per_job: float
    failed_share: float
    """Part of the containers that fail and run again, their whole time."""
    interrupted_share: float
    """Part of the containers on Spot that are interrupted, after half of their time."""
    window_h: float
    """Hours within which the cases of a day are imported."""


@dataclass(frozen=True, slots=True)
class Figures:
    """All figures of an estimate that are neither a price nor asked for."""

    import_case: ImportFigures
    stored: StoredFigures
    assumed: Assumed


@cache
def built_in_figures() -> Figures:
    """Return the figures that come with radiant."""
    text = resources.files("radiant.costs").joinpath("figures.toml").read_text(encoding="utf-8")
    return read_table(Figures, text, "figures.toml")


@dataclass(frozen=True, slots=True)
class JobSize:
    """What a job requests."""

    cpu: float
    memory_mib: int
    scratch_gib: float


@dataclass(frozen=True, slots=True)
class Workload:
    """Cases to import."""

    cases: int
    """In all."""
    per_day: float
    records: int
    """Records of a case's VCF."""
    cases_per_run: float
    """Cases that one run imports: each of the small jobs runs once for all of them."""
    importing: JobSize
    """What `import-case` requests."""
    small_jobs: tuple[JobSize, ...]
    """What the other jobs of a run request."""
    keeps_vcf: bool
    """Whether the VCF stays in the object store beside the tables."""

    @property
    def per_month(self) -> float:
        """Cases a month."""
        return self.per_day * DAYS_PER_MONTH

    def containers(self, figures: Figures) -> tuple[tuple[Container, float], ...]:
        """Return the containers of a case, each with how many of it a case takes; failed ones count."""
        tries = 1 + figures.assumed.failed_share
        start = figures.assumed.image_start_s
        importing = _container(self.importing, start + figures.import_case.seconds(self.records, self.importing.cpu))
        small = [_container(size, start + figures.assumed.small_job_s) for size in self.small_jobs]
        return ((importing, tries), *((one, tries / self.cases_per_run) for one in small))

    def worker_seconds(self, figures: Figures, cores: float) -> float:
        """Return how long the jobs of a case take a slot of an Airflow worker: no image is downloaded there."""
        small = len(self.small_jobs) * figures.assumed.small_job_s / self.cases_per_run
        importing = figures.import_case.seconds(self.records, min(cores, self.importing.cpu))
        return (1 + figures.assumed.failed_share) * (importing + small)

    def stored_bytes(self, figures: Figures) -> float:
        """Return the bytes of a case in the object store."""
        per_million = figures.stored.parquet_bytes_per_million
        per_million += figures.stored.vcf_bytes_per_million if self.keeps_vcf else 0
        return self.records / _MILLION * per_million

    def requests(self, figures: Figures) -> tuple[float, float]:
        """Return the requests of a case to the object store: GET and HEAD, PUT and POST."""
        vcf = self.records / _MILLION * figures.stored.vcf_bytes_per_million
        return figures.stored.get_per_case + ranges(vcf, figures.stored.range_bytes), figures.stored.put_per_case


def _container(size: JobSize, seconds: float) -> Container:
    return Container(size.cpu, size.memory_mib, size.scratch_gib, seconds)
