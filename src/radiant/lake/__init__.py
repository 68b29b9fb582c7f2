"""Arrow -> Iceberg: stage, commit, read, maintain; knows no VCF.

Workers without catalog credentials stage Parquet files (`Stager`); one committer per part makes them visible
(`commit_part`); readers go through `case_load` (`case_rows`, `variants`).
"""

from radiant.lake.case_load import CaseLoad, VisibleCase, visible_case, visible_cases
from radiant.lake.catalog import open_catalog
from radiant.lake.clean import delete_staged
from radiant.lake.commit import CommitReport, commit_part
from radiant.lake.digest import RowDigest
from radiant.lake.overview import TableOverview, table_overview
from radiant.lake.read import case_rows
from radiant.lake.stage import Manifest, Stager
from radiant.lake.tables import TableRef, ensure_tables
from radiant.lake.variants import VariantQuery, result_schema, variants

__all__ = [
    "CaseLoad",
    "CommitReport",
    "Manifest",
    "RowDigest",
    "Stager",
    "TableOverview",
    "TableRef",
    "VariantQuery",
    "VisibleCase",
    "case_rows",
    "commit_part",
    "delete_staged",
    "ensure_tables",
    "open_catalog",
    "result_schema",
    "table_overview",
    "variants",
    "visible_case",
    "visible_cases",
]
