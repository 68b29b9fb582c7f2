"""The types of settings: groups, and variables that hold several values."""

import json
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict

GROUP = ConfigDict(frozen=True, extra="forbid")
"""Configuration of a group of settings."""


def from_list(value: object) -> object:
    """Split a text at commas, without empty parts; any other value stays."""
    return [part for one in value.split(",") if (part := one.strip())] if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(from_list)]
"""Several names, separated by commas."""


def from_json(value: object) -> object:
    """Parse a JSON text; any other value stays."""
    return json.loads(value) if isinstance(value, str) else value


Strings = Annotated[dict[str, str], BeforeValidator(from_json)]
"""A JSON object of strings."""
Objects = Annotated[tuple[dict[str, Any], ...], BeforeValidator(from_json)]
"""A JSON list of objects."""


@dataclass(frozen=True, slots=True)
class Notifier:
    """One of Airflow's notifiers."""

    module: str
    name: str
    package: str
    """Distribution that brings it."""
    needs: tuple[str, ...] = ()
    """Options without which it cannot send."""
    takes: tuple[str, ...] = ()
    """Further options."""


NOTIFIERS = {
    "smtp": Notifier(
        "airflow.providers.smtp.notifications.smtp",
        "SmtpNotifier",
        "apache-airflow-providers-smtp",
        needs=("to",),
        takes=("from",),
    ),
    "slack": Notifier(
        "airflow.providers.slack.notifications.slack",
        "SlackNotifier",
        "apache-airflow-providers-slack",
        needs=("channel",),
    ),
    "slackwebhook": Notifier(
        "airflow.providers.slack.notifications.slack_webhook",
        "SlackWebhookNotifier",
        "apache-airflow-providers-slack",
    ),
    "webhook": Notifier(
        "airflow.providers.http.notifications.http",
        "HttpNotifier",
        "apache-airflow-providers-http",
        takes=("endpoint",),
    ),
}
"""By scheme of `RADIANT_NOTIFY`."""


class Notify(BaseModel):
    """Where a message goes: a notifier, the Airflow connection that it uses, its options."""

    model_config = GROUP

    scheme: str
    conn_id: str
    options: dict[str, str] = {}


def notify_from_uris(value: object) -> object:
    """Parse URIs that are separated by blanks, `smtp://CONNECTION?to=a@b.org`; any other value stays.

    Raises:
        ValueError: a scheme is unknown, the connection or an option is missing, or an option is unknown.
    """
    return tuple(map(_notify, value.split())) if isinstance(value, str) else value


def _notify(uri: str) -> Notify:
    parts = urlsplit(uri)
    kind = NOTIFIERS.get(parts.scheme)
    if kind is None:
        msg = f"a message goes by one of {', '.join(NOTIFIERS)}, as in smtp://CONNECTION?to=NAME@HOST"
        raise ValueError(msg)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if parts.fragment:
        msg = "write # in an option as %23, as in slack://CONNECTION?channel=%23imports"
        raise ValueError(msg)
    if not parts.netloc or parts.path.strip("/"):
        msg = f"{parts.scheme}:// is followed by the id of an Airflow connection alone, and then by ? and options"
        raise ValueError(msg)
    missing = [name for name in kind.needs if not options.get(name)]
    unknown = sorted(set(options) - {*kind.needs, *kind.takes})
    if missing or unknown:
        wanted = ", ".join((*kind.needs, *kind.takes)) or "none"
        msg = f"{parts.scheme} takes the options {wanted}; {', '.join(missing or unknown)} is "
        msg += "missing" if missing else "not one of them"
        raise ValueError(msg)
    return Notify(scheme=parts.scheme, conn_id=parts.netloc, options=options)
