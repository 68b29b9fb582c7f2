"""The import's jobs in their order, without Airflow: a registry, a lake and a work folder of one test."""

import dataclasses
from pathlib import Path
from typing import Any

from radiant import lake, storage
from radiant.domain.case import Priority
from radiant.jobs.codec import encode
from radiant.jobs.documents import Request, Result, Status, decode_result, outcome_uri, run_uri, task_uri
from radiant.registry import Registration, Registry
from radiant.settings import Settings
from radiant.worker.main import run


@dataclasses.dataclass
class ImportSite:
    """A registry, a lake and a work folder of one test."""

    folder: Path
    settings: Settings
    runs: int = 0

    @property
    def registry(self) -> Registry:
        return Registry(self.settings.effective_registry_url)

    def uri_of(self, file: Path) -> str:
        """Return where the imports read a file."""
        return storage.file_uri(file)

    def register(self, number: int, vcf: Path, ped: Path, assembly: str = "GRCh38") -> int:
        return self.registry.add(
            Registration(
                vcf_uri=self.uri_of(vcf),
                ped_uri=self.uri_of(ped),
                strategy="wgs",
                priority=Priority.ROUTINE,
                assembly=assembly,
                case_id=number,
            )
        ).case_id

    def job(self, name: str, task: str, run_folder: str, index: int = -1, **arguments: Any) -> Result:
        place = task_uri(run_folder, task, index)
        request = Request(job=name, attempt=f"{task}-{index}", run_uri=run_folder, arguments=arguments)
        storage.write_bytes(f"{place}/request.json", encode(request))
        outcome = outcome_uri(place, request.attempt)
        run(request, self.settings, outcome)  # the operator writes the same document after a good end
        return decode_result(storage.read_bytes(outcome), place)

    def import_due(
        self, cases: list[int] | None = None, *, lose: int | None = None, lose_file_of: int | None = None
    ) -> dict[str, Any]:
        """Run all jobs as the DAGs do; the import of case `lose` ends without a result. Return commit's output."""
        self.runs += 1
        top = run_uri(self.settings.effective_work_uri, "import-vcf", f"run{self.runs}")
        plan = self.job("plan-import", "plan", top, cases=cases)
        assert plan.status is Status.SUCCEEDED, plan.failure
        (part,) = plan.output["parts"]
        prepared = self.job("prepare-part", "prepare", top, part=part["part"], cases=part["cases"])
        assert prepared.status is Status.SUCCEEDED, prepared.failure
        for index, one in enumerate(prepared.output["cases"]):
            self.job("import-case", "import_case", top, index, **one)
            if one["case_id"] == lose:
                storage.delete_prefix(outcome_uri(task_uri(top, "import_case", index), f"import_case-{index}"))
        for path in self.data_files():
            if lose_file_of is not None and f"case={lose_file_of}/" in str(path):
                path.unlink()
        arguments = {
            "part": part["part"],
            "loads": prepared.output["cases"],
            "deleted": prepared.output["deleted"],
            "imports_uri": task_uri(top, "import_case"),
        }
        committed = self.job("commit-part", "commit", top, **arguments)
        assert committed.status is Status.SUCCEEDED, committed.failure
        again = self.job("commit-part", "commit_again", top, **arguments)
        # A repetition commits nothing: it names no snapshots.
        assert again.output == committed.output | {"snapshots": {}}, "repeating commit-part changed something"
        return committed.output

    def visible(self) -> dict[int, Any]:
        with lake.open_catalog(self.settings) as catalog:
            found = lake.visible_cases(catalog, self.settings.lake.namespace)
        return {case_id: one.digests for case_id, one in found.items()}

    def data_files(self) -> list[Path]:
        return sorted((self.folder / "home" / "warehouse").rglob("*.parquet"))
