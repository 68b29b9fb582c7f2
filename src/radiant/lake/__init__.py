"""Arrow -> Iceberg: stage, commit, read, maintain; knows no VCF.

Workers without catalog credentials stage Parquet files (`Stager`); one committer per part makes them visible
(`commit_part`); readers go through `case_load` (`visible_case`, `case_rows`, `variants`).
"""

from radiant.lake.case_load import CaseLoad, VisibleCase, visible_case, visible_cases
from radiant.lake.catalog import open_catalog
from radiant.lake.clean import delete_staged
from radiant.lake.commit import CommitReport, commit_part
from radiant.lake.stage import Manifest, Stager
from radiant.lake.tables import TableRef, ensure_tables

__all__ = [
    "CaseLoad",
    "CommitReport",
    "Manifest",
    "Stager",
    "TableRef",
    "VisibleCase",
    "commit_part",
    "delete_staged",
    "ensure_tables",
    "open_catalog",
    "visible_case",
    "visible_cases",
]
