"""Size and tag of many S3 objects from listings: one answer has a thousand of them, the answer to a HEAD has one.

The wanted keys of a bucket are sorted, and each listing begins directly before the next wanted key. So the cost depends
on how densely they lie among other objects, and not on folders. Where too few are on a page, HEADs cost less.
"""

import itertools
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from radiant.errors import InputError, StorageError
from radiant.storage.local_files import Fingerprint
from radiant.storage.objects import ListedPage, StoredObject

WORTH = 50
"""Wanted objects for which a page costs less than their HEADs, in time and in work."""

_SPARSE = 2
"""Pages with fewer, after which the rest of a stretch is left out."""

_STRETCH = 1000
"""Wanted objects that are looked for page after page; several stretches at the same time."""

_AT_ONCE = 16

_ELSEWHERE = ("?versionId=", "arn:")
"""Parts of a URI that names one version of an object, or a bucket by an access point."""

Lister = Callable[[str, str], ListedPage]
"""Gets a prefix and a key; returns the first objects below the prefix and after the key."""


@dataclass(frozen=True, slots=True, order=True)
class _Wanted:
    """One object that is looked for."""

    bucket: str
    key: str
    uri: str


def fingerprints(uris: Collection[str]) -> dict[str, Fingerprint | None]:
    """Return what `bytes_at.listed_fingerprints` returns."""
    stretches = list(_stretches(sorted(filter(None, map(_wanted, set(uris))))))
    if not stretches:
        return {}
    with ThreadPoolExecutor(min(_AT_ONCE, len(stretches)), thread_name_prefix="list") as pool:
        return dict(itertools.chain.from_iterable(pool.map(_look, stretches)))


def _wanted(uri: str) -> _Wanted | None:
    scheme, _, path = uri.partition("://")
    bucket, _, key = path.partition("/")
    if scheme not in {"s3", "s3a"} or not key or key.endswith("/") or any(part in uri for part in _ELSEWHERE):
        return None
    return _Wanted(bucket, key, uri)


def _stretches(wanted: Sequence[_Wanted]) -> Iterator[list[_Wanted]]:
    for _, group in itertools.groupby(wanted, lambda one: one.bucket):
        of_bucket = list(group)
        for start in range(0, len(of_bucket), _STRETCH):
            some = of_bucket[start : start + _STRETCH]
            if len(some) >= WORTH:
                yield some


def _look(wanted: Sequence[_Wanted]) -> list[tuple[str, Fingerprint | None]]:
    try:
        found = look(StoredObject(f"s3://{wanted[0].bucket}").page, [one.key for one in wanted])
    except (InputError, PermissionError, StorageError):
        return []
    return [(one.uri, found[one.key]) for one in wanted if one.key in found]


def look(list_page: Lister, keys: Sequence[str]) -> dict[str, Fingerprint | None]:
    """Return size and tag of objects by key, None for one that is not there; a key that is left out is undecided.

    A page decides about all wanted keys up to its last one. That needs an order, which the stores of some vendors do
    not have: what is not in order decides nothing.

    Args:
        list_page: Lists.
        keys: The wanted ones, ascending.
    """
    prefix = _common_folder(keys[0], keys[-1])
    decided: dict[str, Fingerprint | None] = {}
    at, pages, after = 0, 0, ""
    while at < len(keys) and pages < _SPARSE + 1 + at // WORTH:
        after = max(after, keys[at][:-1])
        page = list_page(prefix, after)
        pages += 1
        names = list(page.objects)
        if any(name <= before for before, name in itertools.pairwise([after, *names])):
            break
        if names:
            after = names[-1]
        while at < len(keys) and (page.is_last or keys[at] <= after):
            decided[keys[at]] = page.objects.get(keys[at])
            at += 1
    return decided


def _common_folder(first: str, last: str) -> str:
    """Return the folder that holds all keys between two: the right to list may be of one folder."""
    pairs = zip(first.split("/")[:-1], last.split("/")[:-1], strict=False)
    return "".join(f"{one}/" for one, _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))
