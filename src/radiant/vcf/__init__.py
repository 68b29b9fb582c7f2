"""VCF -> Arrow record batches, without Airflow or Iceberg; `read.py` shows the way on one page."""

from radiant.vcf.case import CaseReader, read_case
from radiant.vcf.header.people import check_samples, read_samples
from radiant.vcf.plan import ReadOptions
from radiant.vcf.report import ImportReport
from radiant.vcf.rules.info_map import DEFAULT, InfoOptions
from radiant.vcf.schema import arrow_schema
from radiant.vcf.shards import (
    NeedsOneReaderError,
    Shard,
    ShardedReader,
    ShardReader,
    ShardResult,
    memory_for,
)

__all__ = [
    "DEFAULT",
    "CaseReader",
    "ImportReport",
    "InfoOptions",
    "NeedsOneReaderError",
    "ReadOptions",
    "Shard",
    "ShardReader",
    "ShardResult",
    "ShardedReader",
    "arrow_schema",
    "check_samples",
    "memory_for",
    "read_case",
    "read_samples",
]
