"""XComs of jobs, as the operators push them."""

from typing import Any

from radiant.jobs.documents import JobSummary, Status


def succeeded(output: Any, job: str = "poc") -> dict[str, Any]:
    return _summary(job, Status.SUCCEEDED, output)


def failed(code: str, reason: str, job: str = "poc") -> dict[str, Any]:
    return _summary(job, Status.FAILED, None, code, reason)


def _summary(
    job: str, status: Status, output: Any, code: str | None = None, reason: str | None = None
) -> dict[str, Any]:
    return JobSummary(job, status, output, {}, 1.5, 1.0, 200.0, 1024, "0.1.0", None, code=code, reason=reason).to_xcom()


def prepared_case(case_id: int, load_id: str | None = "l") -> dict[str, Any]:
    return {
        "case_id": case_id,
        "case_uri": f"file:///cases/{case_id}.json",
        "load_id": load_id,
        "vcf_bytes": None,
        "samples": None,
    }


RECORDS = {"read": 5000, "kept": 4761, "split": 239, "skipped": 0, "rejected": 0}


def imported_case(case_id: int, warnings: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "case_id": case_id,
        "records": RECORDS,
        "rows": {},
        "seconds": 1.5,
        "cpu_s": 2.0,
        "peak_memory_mib": 200.0,
        "warnings": list(warnings),
    }
