"""Kill a piece of work after each of its changes of a store or a catalog, and restore the files it began from."""

import contextlib
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.io.pyarrow import PyArrowFile, PyArrowFileIO

from radiant.storage.local_files import LocalFile

CHANGES = [
    (PyArrowFile, "create"),
    (PyArrowFileIO, "delete"),
    (SqlCatalog, "commit_table"),
    *[(LocalFile, name) for name in ("write", "delete_file", "delete")],
]
"""Whatever changes a file or the catalog. A kill at a call that reads leaves what the change before it left."""


class Killed(BaseException):
    """As SIGKILL: no handler for errors catches it."""


@contextmanager
def kill_after(number: int, folder: Path) -> Iterator[list[str]]:
    """Within, the change of this number (from 1) is the last one, then `Killed` is raised; yields their names.

    Changes outside the folder are not counted: a thread that an earlier test left in this process may make them.
    """
    made: list[str] = []
    lock = threading.Lock()

    def replaced(kind: type, name: str) -> Callable:
        real = getattr(kind, name)

        def call(self, *args, **kwargs):
            if not _is_below(folder, self, args):
                return real(self, *args, **kwargs)
            with lock:
                made.append(f"{kind.__name__}.{name}")
                mine = len(made)
            if mine > number:
                raise Killed
            found = real(self, *args, **kwargs)
            if mine == number:
                raise Killed
            return found

        return call

    with pytest.MonkeyPatch.context() as patch:
        for kind, name in CHANGES:
            patch.setattr(kind, name, replaced(kind, name))
        yield made


def _is_below(folder: Path, changed: object, args: tuple[object, ...]) -> bool:
    match changed:
        case LocalFile():
            place = str(changed.path)
        case PyArrowFile():
            place = changed.location
        case PyArrowFileIO():
            place = args[0] if isinstance(args[0], str) else args[0].location
        case _:
            place = changed.properties["warehouse"]
    return Path(place.removeprefix("file://")).is_relative_to(folder)


class Backup:
    """The files of a folder, to be restored in place: tables name their files by absolute paths."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._copy = folder.with_name(f"{folder.name}.backup")
        shutil.copytree(folder, self._copy)

    def restore(self) -> None:
        shutil.rmtree(self._folder)
        shutil.copytree(self._copy, self._folder)


def each_kill(folder: Path, work: Callable[[], object], most: int = 30) -> Iterator[str]:
    """Do the work from the same files again and again, killed after another change each time; yield the change's name.

    At each yield the work is dead and the files are as it left them. Where there are more than `most` changes, evenly
    spaced ones; the first and the last are always among them.
    """
    backup = Backup(folder)
    with kill_after(1 << 30, folder) as made:
        work()
    every, total = made, len(made)
    assert total > most, "the work changes something"
    for step in range(most):
        number = 1 + step * (total - 1) // (most - 1)
        backup.restore()
        with kill_after(number, folder) as made, contextlib.suppress(Killed):
            work()
        assert len(made) >= number, f"of {total} changes only {len(made)} were made: {made}, at first {every}"
        yield f"{made[number - 1]}, change {number} of {total}"
    backup.restore()
