"""VCF -> Arrow record batches; knows neither Airflow nor Iceberg."""

from radiant.vcf.bulk.segments import Answer, NeedsOneReaderError, Segment, SegmentReader, SplitReader, memory_for
from radiant.vcf.case import read_case
from radiant.vcf.info_map import DEFAULT, InfoOptions
from radiant.vcf.people import check_samples, read_samples
from radiant.vcf.reader import CaseReader, ReadOptions
from radiant.vcf.report import ImportReport
from radiant.vcf.schema import arrow_schema

__all__ = [
    "DEFAULT",
    "Answer",
    "CaseReader",
    "ImportReport",
    "InfoOptions",
    "NeedsOneReaderError",
    "ReadOptions",
    "Segment",
    "SegmentReader",
    "SplitReader",
    "arrow_schema",
    "check_samples",
    "memory_for",
    "read_case",
    "read_samples",
]
