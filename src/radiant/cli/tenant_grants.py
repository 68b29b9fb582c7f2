"""What a tenant needs on each platform so that its jobs reach its own places alone: texts, made from its settings."""

import json
from collections.abc import Iterator
from string import Template
from urllib.parse import urlsplit

import yaml

from radiant.errors import ConfigError
from radiant.settings import Settings

_STORES = ("s3://", "s3a://")
_SQL = Template("""\
-- The registry of the tenant $tenant, by the user that runs `radiant setup` and `radiant upgrade`, before them.
-- ${schema}_jobs: plan-import, prepare-part, commit-part, and people who register cases.
-- ${schema}_reader: looks at cases.
-- Give each role to a login of the centre: CREATE ROLE importer LOGIN PASSWORD '...' IN ROLE ${schema}_jobs;
DO $$$$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${schema}_jobs') THEN
    CREATE ROLE ${schema}_jobs NOLOGIN;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${schema}_reader') THEN
    CREATE ROLE ${schema}_reader NOLOGIN;
  END IF;
END $$$$;
CREATE SCHEMA IF NOT EXISTS $schema;
REVOKE ALL ON SCHEMA $schema FROM PUBLIC;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA $schema TO ${schema}_jobs, ${schema}_reader;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA $schema TO ${schema}_jobs;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA $schema TO ${schema}_jobs;
GRANT SELECT ON ALL TABLES IN SCHEMA $schema TO ${schema}_reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA $schema GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ${schema}_jobs;
ALTER DEFAULT PRIVILEGES IN SCHEMA $schema GRANT USAGE, SELECT ON SEQUENCES TO ${schema}_jobs;
ALTER DEFAULT PRIVILEGES IN SCHEMA $schema GRANT SELECT ON TABLES TO ${schema}_reader;
""")


def registry_schema(settings: Settings) -> str:
    """Return the schema of a tenant's registry."""
    own = settings.tenant_settings
    return (own and own.registry_schema) or f"radiant_{settings.tenant}"


def registry_sql(settings: Settings) -> str:
    """Return the SQL that makes the schema and the roles of a tenant's registry; it may be run again.

    Args:
        settings: Of the tenant.

    Raises:
        ConfigError: its registry is no schema of PostgreSQL.
    """
    if not settings.effective_registry_url.startswith("postgres"):
        msg = f"the registry of {settings.tenant} is a SQLite file: RADIANT_REGISTRY__URL names no PostgreSQL server"
        raise ConfigError(msg)
    return _SQL.substitute(tenant=settings.tenant, schema=registry_schema(settings))


def s3_policy(settings: Settings) -> str:
    """Return the IAM policy of a tenant's jobs: its input files to read, its documents and tables to write.

    Args:
        settings: Of the tenant.

    Raises:
        ConfigError: a place of it is not in S3.
    """
    warehouse = settings.lake.warehouse
    if warehouse is None:
        msg = "RADIANT_LAKE__WAREHOUSE names no folder of tables: the policy is made for what is below it"
        raise ConfigError(msg)
    read = [_folder(uri) for uri in settings.input_prefixes]
    write = [_folder(settings.effective_work_uri), _folder(warehouse)]
    statements = [
        {
            "Sid": "ReadInputs",
            "Effect": "Allow",
            "Action": "s3:GetObject",
            "Resource": [f"arn:aws:s3:::{bucket}/{prefix}*" for bucket, prefix in read],
        },
        {
            "Sid": "WriteOwn",
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"],
            "Resource": [f"arn:aws:s3:::{bucket}/{prefix}*" for bucket, prefix in write],
        },
        *(
            {
                "Sid": f"List{number}",
                "Effect": "Allow",
                "Action": "s3:ListBucket",
                "Resource": f"arn:aws:s3:::{bucket}",
                "Condition": {"StringLike": {"s3:prefix": f"{prefix}*"}},
            }
            for number, (bucket, prefix) in enumerate(dict.fromkeys((*read, *write)))
        ),
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, indent=2) + "\n"


def _folder(uri: str) -> tuple[str, str]:
    """Return bucket and prefix; the prefix ends in a slash, so that it is no beginning of another folder's name."""
    if not uri.startswith(_STORES):
        msg = f"{uri} is not in S3: a policy of IAM bounds nothing there"
        raise ConfigError(msg)
    parts = urlsplit(uri)
    prefix = parts.path.strip("/")
    return parts.netloc, f"{prefix}/" if prefix else ""


def kustomization(settings: Settings, base: str, airflow_namespace: str) -> str:
    """Return the overlay that makes the Kubernetes namespace of a tenant, with its quota and the rights of Airflow.

    Args:
        settings: Of the tenant.
        base: The folder `deploy/kubernetes/base`, as seen from the overlay's folder.
        airflow_namespace: Of the service account `radiant-airflow` whose token the connection has.

    Raises:
        ConfigError: the tenant has no namespace of its own.
    """
    own = settings.tenant_settings
    if own is None or own.kubernetes_namespace in {None, airflow_namespace}:
        msg = f"tenant {settings.tenant} has no Kubernetes namespace of its own: RADIANT_TENANTS, kubernetes_namespace"
        raise ConfigError(msg)
    subject = {"kind": "ServiceAccount", "name": "radiant-airflow", "namespace": airflow_namespace}
    patches = [_patch("RoleBinding", "radiant-airflow", [("add", "/subjects/-", subject)])]
    if quota := list(_quota(own.most_jobs, own.most_cpu, own.most_memory_gib)):
        patches.insert(0, _patch("ResourceQuota", "radiant-jobs", quota))
    overlay = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": own.kubernetes_namespace,
        "labels": [{"pairs": {"tenant": settings.tenant, **own.cost_tags}}],
        "resources": [base],
        "patches": patches,
    }
    return yaml.safe_dump(overlay, sort_keys=False, width=1000)


def _quota(jobs: int | None, cpu: float | None, memory_gib: int | None) -> Iterator[tuple[str, str, object]]:
    if jobs is not None:
        yield "replace", "/spec/hard/pods", str(jobs)
    if cpu is not None:
        yield "replace", "/spec/hard/requests.cpu", f"{cpu:g}"
    if memory_gib is not None:
        yield "replace", "/spec/hard/requests.memory", f"{memory_gib}Gi"
        yield "replace", "/spec/hard/limits.memory", f"{memory_gib}Gi"


def _patch(kind: str, name: str, changes: list[tuple[str, str, object]]) -> dict[str, object]:
    patch = [{"op": change, "path": path, "value": value} for change, path, value in changes]
    return {"target": {"kind": kind, "name": name}, "patch": json.dumps(patch)}
