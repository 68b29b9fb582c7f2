"""A case's batches as a folder of Parquet files: all of them, or nothing."""

import contextlib
import fcntl
import glob
import json
import os
import shutil
import uuid
from collections.abc import Generator
from pathlib import Path

import pyarrow.parquet as pq

from radiant.domain.tables import CASE_TABLES
from radiant.errors import InputError, StorageError
from radiant.vcf.case import CaseReader
from radiant.vcf.report import ImportReport
from radiant.vcf.schema import arrow_schema

REPORT = "report.json"


def write_folder(reader: CaseReader, folder: Path) -> ImportReport:
    """Write `<short name>.parquet` of every case table (`domain.tables.CASE_TABLES`), and `report.json`.

    They are written beside the folder and moved into it at the end, `report.json` last: where it is, the rest is whole
    and of the same run. Files of an earlier run are replaced, other files stay. What a killed run left beside the
    folder is deleted.

    Raises:
        InputError: the input is refused (see `CaseReader.batches`), or `folder` is a file or must not be written.
        StorageError: the disk is full or does not answer.
    """
    if folder.exists() and not folder.is_dir():
        msg = f"{folder}: is a file, a folder is needed"
        raise InputError(msg)
    # In the nearest folder that exists, so that a failure leaves no new folder.
    beside = next(parent for parent in folder.absolute().parents if parent.is_dir())
    hidden = beside / f".{folder.name}.{uuid.uuid4().hex}.part"
    try:
        for left in beside.glob(f".{glob.escape(folder.name)}.{'[0-9a-f]' * 32}.part"):
            _delete_abandoned(left)
        hidden.mkdir()
        with _held(hidden):
            report = _write(reader, hidden)
            folder.mkdir(parents=True, exist_ok=True)
            (folder / REPORT).unlink(missing_ok=True)
            for name in (*(f"{short}.parquet" for short in CASE_TABLES), REPORT):
                (hidden / name).replace(folder / name)
    except PermissionError as error:
        msg = f"{error.filename or folder}: permission denied. Give the user that runs radiant the right to it"
        raise InputError(msg) from error
    except OSError as error:
        msg = f"{folder}: {error.strerror or error}"
        raise StorageError(msg) from error
    finally:
        shutil.rmtree(hidden, ignore_errors=True)
    return report


@contextlib.contextmanager
def _held(folder: Path) -> Generator[None]:
    """Lock a folder; the kernel unlocks it when this process ends, however it ends. Raises OSError if it is locked."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def _delete_abandoned(folder: Path) -> None:
    """Delete what a killed conversion left, unless it is another one's that still runs."""
    with contextlib.suppress(OSError), _held(folder):
        shutil.rmtree(folder, ignore_errors=True)


def _write(reader: CaseReader, folder: Path) -> ImportReport:
    with contextlib.ExitStack() as stack:
        writers = {
            name: stack.enter_context(
                pq.ParquetWriter(folder / f"{name}.parquet", arrow_schema(table), compression="zstd")
            )
            for name, table in reader.tables.items()
        }
        for name, batch in reader.batches():
            writers[name].write_batch(batch)
    report = json.dumps(reader.report.to_json(), indent=2, ensure_ascii=False)
    (folder / REPORT).write_text(report + "\n", encoding="utf-8")
    return reader.report
