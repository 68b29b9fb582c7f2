"""The Airflow that runs already: the one of `radiant run`, or any other by its URL."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from radiant.errors import AirflowUnavailableError, ConfigError
from radiant.settings import Settings

if TYPE_CHECKING:
    from radiant.cli.airflow_api import AirflowApi

AirflowOption = Annotated[
    str | None,
    typer.Option("--airflow", metavar="URL", help="Airflow's address.  [default: the one of `radiant run`]"),
]
UserOption = Annotated[str | None, typer.Option("--user", metavar="NAME", help="User of Airflow.  [default: admin]")]
PasswordOption = Annotated[
    Path | None,
    typer.Option("--password-file", metavar="FILE", help="Its password.  [default: asked for on the terminal]"),
]


def running_airflow(
    settings: Settings, *, url: str | None = None, user: str | None = None, password_file: Path | None = None
) -> "AirflowApi":
    """Return the API of a running Airflow.

    Args:
        settings: its home folder has the address of the Airflow of `radiant run`, used when there is no URL.
        url: of another Airflow.
        user: there.
        password_file: holds the password; it is asked for when None.

    Raises:
        ConfigError: no Airflow runs for this home, or the file cannot be read.
    """
    from radiant.cli.airflow_api import AirflowApi  # noqa: PLC0415 - only here
    from radiant.cli.standalone import USERNAME  # noqa: PLC0415 - only here

    if url is not None:
        if not url.startswith(("http://", "https://")):
            msg = f"--airflow {url!r} is no URL: it must begin with http:// or https://"
            raise ConfigError(msg)
        return AirflowApi(url, user or USERNAME, _password(password_file))
    if user is not None or password_file is not None:
        msg = "--user and --password-file are for another Airflow; name it with --airflow"
        raise ConfigError(msg)
    folder = settings.home_path / "airflow"
    try:
        found = (folder / "url").read_text(encoding="utf-8").strip()
        password: str = json.loads((folder / "passwords.json").read_text(encoding="utf-8"))[USERNAME]
        api = AirflowApi(found, USERNAME, password)
        api.version()
    except (OSError, ValueError, KeyError, AirflowUnavailableError):
        msg = (
            f"no Airflow runs for the home {settings.home_path}: start it with `radiant run`, choose its home with "
            "RADIANT_HOME, or name another Airflow with --airflow URL"
        )
        raise ConfigError(msg) from None
    return api


def _password(file: Path | None) -> str:
    if file is None:
        return str(typer.prompt("Password", hide_input=True, err=True))
    try:
        return file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"--password-file {file}: {error}"
        raise ConfigError(msg) from error
