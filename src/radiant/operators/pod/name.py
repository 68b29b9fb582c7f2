"""What a job's pod and its container are called."""

CONTAINER = "worker"
RUN_LABEL = "radiant-run"
"""Label of every pod of a DAG run; its value is `radiant.operators.request.run_key`."""


def pod_name(attempt: str) -> str:
    """Return the name of the pod of an attempt: a start that is repeated finds the pod instead of making a second."""
    return f"radiant-{attempt}"
