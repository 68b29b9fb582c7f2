"""Arrow -> Iceberg: stage, commit, read, maintain; knows no VCF."""
