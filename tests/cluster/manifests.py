"""deploy/kubernetes, applied to a namespace of a test's own."""

import contextlib
import re
import subprocess
from pathlib import Path

from kubernetes import client

from cluster.site import wait_for

REPOSITORY = Path(__file__).parents[2]
DEPLOY = REPOSITORY / "deploy" / "kubernetes"


def rendered(overlay, namespace):
    """Return the manifests of an overlay for another namespace than `radiant`."""
    command = ["kubectl", "kustomize", str(DEPLOY / overlay)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return re.sub(r"^( *name(?:space)?: )radiant$", rf"\g<1>{namespace}", text, flags=re.MULTILINE)


@contextlib.contextmanager
def applied(cluster, overlay="base"):
    """Make a namespace with all that is in an overlay, and yield its name."""
    with cluster.own_namespace() as namespace:
        cluster.kubectl("apply", "-f", "-", stdin=rendered(overlay, namespace))
        wait_for(
            lambda: may(cluster, namespace, "radiant-airflow", ("pods", None, "get")), "the Role of radiant-airflow"
        )
        yield namespace


def token_of(cluster, namespace, account):
    """Return a token of a service account."""
    return cluster.kubectl("-n", namespace, "create", "token", account).strip()


def may(cluster, namespace, account, right):
    """Ask the API server whether a service account may do something: (resource, subresource, verb)."""
    resource, subresource, verb = right
    resource, _, group = resource.partition(".")
    wanted = client.V1ResourceAttributes(
        namespace=namespace, group=group, resource=resource, subresource=subresource, verb=verb
    )
    review = client.V1SubjectAccessReview(
        spec=client.V1SubjectAccessReviewSpec(
            user=f"system:serviceaccount:{namespace}:{account}", resource_attributes=wanted
        )
    )
    return bool(client.AuthorizationV1Api(cluster.api.api_client).create_subject_access_review(review).status.allowed)
