"""Imports the VCF files of clinical cases into Apache Iceberg."""
