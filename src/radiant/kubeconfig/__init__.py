"""A kubeconfig as an Airflow connection: PyYAML and cryptography, no Kubernetes client, no Airflow."""

from radiant.kubeconfig.access import Access, embed
from radiant.kubeconfig.connection import airflow_connection, environment_line, kube_config
from radiant.kubeconfig.context import Context, read_context
from radiant.kubeconfig.layout import lay_out, mounts
from radiant.kubeconfig.server import ServerNames, ask_names, choose_name, is_this_machine, move_server, require_trust

__all__ = [
    "Access",
    "Context",
    "ServerNames",
    "airflow_connection",
    "ask_names",
    "choose_name",
    "embed",
    "environment_line",
    "is_this_machine",
    "kube_config",
    "lay_out",
    "mounts",
    "move_server",
    "read_context",
    "require_trust",
]
