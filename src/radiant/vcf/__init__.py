"""VCF -> Arrow record batches; knows neither Airflow nor Iceberg."""
