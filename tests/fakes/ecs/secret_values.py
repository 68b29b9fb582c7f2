"""The values that a task definition's `secrets` name, from moto's Secrets Manager and Parameter Store."""

import json

from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.exceptions import JsonRESTError, ServiceException
from moto.secretsmanager.models import secretsmanager_backends
from moto.ssm.models import ssm_backends


def secret_value(place: str, region: str) -> str:
    """Return the value of `valueFrom`: a secret's ARN, optionally `:json-key::`, or a parameter's ARN or name.

    Raises:
        LookupError: there is none.
    """
    if ":secretsmanager:" in place:
        return _secret(place, region)
    found = ssm_backends[DEFAULT_ACCOUNT_ID][region].get_parameter(place)
    if found is None:
        msg = f"ParameterNotFound: {place}"
        raise LookupError(msg)
    return str(found.value)


def _secret(place: str, region: str) -> str:
    parts = place.split(":")
    arn, key = ":".join(parts[:7]), parts[7] if len(parts) > 7 else ""
    try:
        text = secretsmanager_backends[DEFAULT_ACCOUNT_ID][region].get_secret_value(arn, "", "")["SecretString"]
    except (JsonRESTError, ServiceException, KeyError) as error:
        msg = f"ResourceNotFoundException: {arn}: {error}"
        raise LookupError(msg) from None
    return str(json.loads(text)[key]) if key else str(text)
