"""Finds one context in the kubeconfig files, as kubectl does.

Source: Kubernetes documentation, "Organizing Cluster Access Using kubeconfig Files", merging rules.
"""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from radiant.errors import ConfigError

KubeconfigObject = Mapping[str, Any]
"""An object of a kubeconfig; Kubernetes defines the keys."""

_KINDS = {"contexts": "context", "clusters": "cluster", "users": "user"}


@dataclass(frozen=True, slots=True)
class Entry:
    """A cluster or a user, as the file states it."""

    name: str
    values: KubeconfigObject
    folder: Path
    """Where its file is: relative paths begin there."""


@dataclass(frozen=True, slots=True)
class Context:
    """A context with its cluster and its user."""

    name: str
    cluster: Entry
    user: Entry | None
    """None where the context names no user."""
    namespace: str | None
    others: tuple[str, ...]
    """The names of the other contexts."""


def read_context(files: Sequence[Path], name: str | None = None) -> Context:
    """Return a context of the files; of an entry that is in several of them the first one counts.

    Args:
        files: in the order of `KUBECONFIG`; those that do not exist are passed over.
        name: of the context; the current one when None.

    Raises:
        ConfigError: no file exists, one is no kubeconfig, or the context, its cluster or its user is not there.
    """
    found: dict[str, dict[str, Entry]] = {kind: {} for kind in _KINDS}
    current: str | None = None
    read: list[Path] = []
    for file in files:
        document = _load(file)
        if document is None:
            continue
        read.append(file)
        current = current or document.get("current-context") or None
        for kind, key in _KINDS.items():
            for entry in _entries(document, kind, key, file):
                found[kind].setdefault(entry.name, entry)
    where = " and ".join(map(str, read or files))
    if not read:
        msg = f"{where}: no such kubeconfig. Name one with --kubeconfig, or make a cluster first (`minikube start`)"
        raise ConfigError(msg)
    context = _choose(found["contexts"], name or current, given=name is not None, where=where)
    cluster_name, user_name = context.values.get("cluster"), context.values.get("user")
    user = found["users"].get(str(user_name)) if user_name else None
    if user_name and user is None:
        msg = f"{where}: context {context.name!r} names the user {user_name!r}, which is not there"
        raise ConfigError(msg)
    cluster = found["clusters"].get(str(cluster_name))
    if cluster is None:
        msg = f"{where}: context {context.name!r} names the cluster {cluster_name!r}, which is not there"
        raise ConfigError(msg)
    namespace = context.values.get("namespace") or None
    others = tuple(one for one in found["contexts"] if one != context.name)
    return Context(context.name, cluster, user, namespace, others)


def _load(file: Path) -> KubeconfigObject | None:
    try:
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        msg = f"{file}: cannot be read as a kubeconfig: {error}"
        raise ConfigError(msg) from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        msg = f"{file}: is no kubeconfig: it must be a YAML object with clusters, users and contexts"
        raise ConfigError(msg)
    return cast("KubeconfigObject", document)


def _entries(document: KubeconfigObject, kind: str, key: str, file: Path) -> list[Entry]:
    entries: list[Entry] = []
    listed = document.get(kind) or []
    for item in cast("list[Any]", listed) if isinstance(listed, list) else [None]:
        values: Any = cast("KubeconfigObject", item).get(key) if isinstance(item, dict) else None
        if not isinstance(item, dict) or "name" not in item or not isinstance(values, dict | None):
            msg = f"{file}: is no kubeconfig: `{kind}` must be a list of objects with `name` and `{key}`"
            raise ConfigError(msg)
        name = str(cast("KubeconfigObject", item)["name"])
        entries.append(Entry(name, cast("KubeconfigObject", values or {}), file.absolute().parent))
    return entries


def _choose(contexts: Mapping[str, Entry], name: str | None, *, given: bool, where: str) -> Entry:
    listed = ", ".join(contexts) or "none"
    if name is None:
        if len(contexts) == 1:
            return next(iter(contexts.values()))
        msg = f"{where}: no current context; choose one with --context: {listed}"
        raise ConfigError(msg)
    if name not in contexts:
        near = difflib.get_close_matches(name, contexts, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        what = "there is no context" if given else "there is no context of the name that is current:"
        msg = f"{where}: {what} {name!r}; {hint}The contexts are: {listed}"
        raise ConfigError(msg)
    return contexts[name]
