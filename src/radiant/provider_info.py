"""What Airflow's provider discovery reads; imports nothing, since Airflow is not ready when it runs."""


def get_provider_info() -> dict[str, object]:
    """Return the provider's metadata."""
    return {
        "package-name": "radiant",
        "name": "radiant",
        "description": "One container per case, on local processes, Kubernetes or Amazon ECS.",
    }
