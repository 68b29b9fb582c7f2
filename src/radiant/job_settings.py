"""The settings of single jobs: numbers that override those of the catalogue."""

from typing import Literal

from pydantic import BaseModel, Field

from radiant.setting_types import GROUP


class _Group(BaseModel):
    model_config = GROUP


class JobOverrides(_Group):
    """Overrides of the catalogue's numbers for one job."""

    cpu: float | None = Field(default=None, ge=0.25)
    """Cores."""
    memory_mib: int | None = Field(default=None, ge=64)
    """Memory limit."""
    scratch_gib: int | None = Field(default=None, ge=1)
    """Temporary disk."""
    timeout_s: int | None = Field(default=None, ge=1)
    """Seconds after which the job is stopped."""
    retries: int | None = Field(default=None, ge=0)
    """How often a transient failure is retried."""


class ImportOverrides(JobOverrides):
    """Overrides of the job that reads a case's VCF."""

    sizing: Literal["request", "history"] = "request"
    """`history`: a case requests the memory that earlier imports of files and families like it needed, and one retry
    more; `request`, or as long as there are fewer than 20 earlier imports: MEMORY_MIB."""


class Jobs(_Group):
    """Overrides per job."""

    plan_import: JobOverrides = JobOverrides()
    prepare_part: JobOverrides = JobOverrides()
    import_case: ImportOverrides = ImportOverrides()
    commit_part: JobOverrides = JobOverrides()
    maintain_tables: JobOverrides = JobOverrides()
    run_report: JobOverrides = JobOverrides()
    poc: JobOverrides = JobOverrides()
    memory_cap_mib: int = Field(default=30 * 1024, ge=64)
    """Memory never grows beyond this after a job ran out of it."""
