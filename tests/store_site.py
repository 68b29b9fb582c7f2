"""Small families whose files, documents and tables are on the S3 of a test; registry and catalog are SQLite files."""

import dataclasses
from pathlib import Path
from typing import Self

from radiant import lake
from radiant.jobs.documents import Request, outcome_uri, task_uri
from radiant.lake.create import load_tables
from radiant.lake.references import ManifestCache, files_of_table
from radiant.settings import load_settings
from radiant.worker import main
from s3_store import S3Store
from small_families import SmallFamilies


@dataclasses.dataclass
class StoreSite(SmallFamilies):
    """An import site on a store."""

    store: S3Store = dataclasses.field(kw_only=True)

    @classmethod
    def on(cls, store: S3Store, folder: Path) -> Self:
        """Return a site without a case; its SQLite files are in a folder."""
        variables = {
            "RADIANT_HOME": str(folder / "home"),
            "RADIANT_WORK_URI": store.uri("work"),
            "RADIANT_LAKE__WAREHOUSE": store.uri("warehouse"),
        }
        return cls(folder, load_settings(variables), store=store)

    def uri_of(self, file: Path) -> str:
        return self.store.put(f"in/{file.name}", file.read_bytes())

    def run(self, name: str, task: str, top: str, index: int = -1, **arguments: object) -> int:
        """Run a job of which nothing may be read afterwards; return its exit code."""
        request = Request(job=name, attempt=f"{task}-{index}", run_uri=top, arguments=arguments)
        return main.run(request, self.settings, outcome_uri(task_uri(top, task, index), request.attempt))

    def rows(self, case_id: int) -> dict[str, list[dict]]:
        with self.store.read_without_requests():
            return super().rows(case_id)

    def missing_files(self) -> set[str]:
        """Return the files that a snapshot of a table names and that are gone."""
        there = {self.store.uri(name) for name in self.store.names()}
        with self.store.read_without_requests(), lake.open_catalog(self.settings) as catalog:
            tables = load_tables(catalog, self.settings.lake.namespace).values()
            return {key for table in tables for key in files_of_table(table, ManifestCache(table)) if key not in there}
