"""VCF -> Arrow record batches; knows neither Airflow nor Iceberg."""

from radiant.vcf.case import read_case
from radiant.vcf.reader import CaseReader, ReadOptions
from radiant.vcf.report import ImportReport
from radiant.vcf.schema import arrow_schema

__all__ = ["CaseReader", "ImportReport", "ReadOptions", "arrow_schema", "read_case"]
