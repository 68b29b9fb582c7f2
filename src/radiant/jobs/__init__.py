"""The contract both sides know: what a job is, and the two documents that cross between Airflow and a container."""
