"""The only package that imports Airflow: one job on the chosen backend."""
