"""The manual layout: certificates and keys as files in a folder whose content is mounted in Airflow's home folder."""

import os
import re
from pathlib import Path
from typing import Any

from radiant.errors import ConfigError
from radiant.kubeconfig.access import FILES, Access
from radiant.kubeconfig.context import Context, Entry, KubeconfigObject

AIRFLOW_HOME_FOLDER = "/home/airflow"
"""Home folder of the user in Airflow's own images."""
_HOME = re.compile(r"^/(?:home|Users)/[^/]+/(.+)$")


def lay_out(context: Context, access: Access, folder: Path) -> Access:
    """Copy the files that a context names and return the access that names the copies, as Airflow sees them.

    `/home/alice/.minikube/ca.crt` (or `/Users/alice/...`) becomes `<folder>/.minikube/ca.crt`, and
    `/home/airflow/.minikube/ca.crt` in the connection; a file from elsewhere goes to `.minikube` by what it is. What
    is no file stays embedded. Only what the context names is copied, not the whole of `~/.minikube`.

    Args:
        context: as the kubeconfig has it.
        access: the same, embedded.
        folder: usually `dkr_fs`; its `.minikube` is mounted at `/home/airflow/.minikube`.

    Raises:
        ConfigError: a file cannot be written.
    """
    return Access(
        access.name,
        _placed(context.cluster, access.cluster, folder),
        access.user if context.user is None else _placed(context.user, access.user, folder),
        access.namespace,
        access.notes,
    )


def mounts(access: Access, folder: Path) -> list[tuple[str, str]]:
    """Return what of the folder is mounted where in Airflow's containers: (source, target), by name.

    Not the folder itself at `/home/airflow`: Airflow's image has its programs there, in `.local`.

    Args:
        access: as `lay_out` returned it.
        folder: the same.
    """
    values = [*access.cluster.values(), *access.user.values()]
    begin = f"{AIRFLOW_HOME_FOLDER}/"
    used = {one.removeprefix(begin).split("/")[0] for one in values if isinstance(one, str) and one.startswith(begin)}
    return [(str(folder / name), f"{begin}{name}") for name in sorted(used)]


def place(path: Path, kind: str) -> str:
    """Return where a file goes, relative to Airflow's home folder."""
    found = _HOME.match(path.as_posix())
    return found.group(1) if found else f".minikube/{kind}{path.suffix}"


def _placed(entry: Entry, values: Any, folder: Path) -> KubeconfigObject:
    found = dict(values)
    for kind in FILES:
        # Given as data, or replaced by a token or --insecure-skip-tls-verify: nothing to copy.
        if f"{kind}-data" in entry.values or kind not in entry.values or f"{kind}-data" not in found:
            continue
        source = Path(os.path.normpath(entry.folder / str(entry.values[kind])))
        relative = place(source, kind)
        _copy(source, folder / relative)
        del found[f"{kind}-data"]
        found[kind] = f"{AIRFLOW_HOME_FOLDER}/{relative}"
    return found


def _copy(source: Path, target: Path) -> None:
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(source.read_bytes())
    except OSError as error:
        msg = f"{target}: {error.strerror or error}. Name a folder that can be written: --files DIR"
        raise ConfigError(msg) from error
