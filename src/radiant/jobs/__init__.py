"""The contract of Airflow and the container: the jobs, their arguments and outputs, the two documents between them."""
