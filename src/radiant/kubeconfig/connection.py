"""The Airflow connection of an access.

Source: apache-airflow-providers-cncf-kubernetes, "Kubernetes cluster connection"; Airflow, "Managing Connections"
(JSON format and environment variables).
"""

import json
from collections.abc import Mapping

from radiant.kubeconfig.access import Access
from radiant.kubeconfig.context import KubeconfigObject


def kube_config(access: Access) -> KubeconfigObject:
    """Return the access as a kubeconfig with this one context."""
    context = {"cluster": access.name, "user": access.name}
    if access.namespace:
        context["namespace"] = access.namespace
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": access.name, "cluster": dict(access.cluster)}],
        "users": [{"name": access.name, "user": dict(access.user)}],
        "contexts": [{"name": access.name, "context": context}],
        "current-context": access.name,
    }


def airflow_connection(access: Access) -> dict[str, object]:
    """Return the connection in Airflow's JSON form: what `airflow connections add --conn-json` takes.

    `kube_config` is a text, as the form of the UI has it, not an object.
    """
    extra = {"kube_config": json.dumps(kube_config(access), separators=(",", ":"))}
    if access.namespace:
        extra["namespace"] = access.namespace
    return {"conn_type": "kubernetes", "description": f"Kubernetes, context {access.name}", "extra": extra}


def environment_line(conn_id: str, connection: Mapping[str, object]) -> str:
    """Return `AIRFLOW_CONN_<ID>=<JSON>`, one line, not quoted: for an env file, or `export "$(...)"`."""
    return f"AIRFLOW_CONN_{conn_id.upper()}={json.dumps(connection, separators=(',', ':'))}"
