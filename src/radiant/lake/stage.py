"""Stage the rows of one import of one case: data files under the tables' locations that no table refers to yet."""

from __future__ import annotations

import hashlib
import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import pyarrow as pa

from radiant import storage
from radiant.domain.tables import CASE_TABLES, KEY_COLUMNS
from radiant.errors import LakeError, SchemaMismatchError, StorageError
from radiant.lake.computed import SAME_AS, without_copies
from radiant.lake.datafile import DataFileWriter, StagedFile
from radiant.lake.digest import RowDigest
from radiant.lake.file_layout import CASE_COLUMN, PARTITION_COLUMN, row_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType

    from radiant.domain.columns import Column, Table
    from radiant.lake.table_ref import TableRef

HANDED_OVER = "_committed"
"""A file of this name in a staged folder: a commit of an earlier version took its data files. They are no longer the
stager's."""

_AT_ONCE = 16
"""Folders that are listed at the same time."""

_RUN_FOLDER = re.compile(r"(.*/run=[0-9a-f]+)/case=\d+/")

_REPEATED_TEXT = pa.dictionary(pa.int32(), pa.string())

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What one import of one case staged, complete. Crosses as JSON."""

    part: int
    case_id: int
    load_id: str
    """The import; part of every path."""
    files: dict[str, tuple[StagedFile, ...]]
    """Data files by the table's short name; none where there are no rows."""
    rows: dict[str, int]
    """Rows by the table's short name, zeros included."""
    digests: dict[str, str]
    """By the table's short name: sha256 hexadecimal over the rows in order, without `part` and `case_id`, with the
    columns that readers compute."""

    @property
    def all_files(self) -> tuple[StagedFile, ...]:
        """The files of all tables."""
        return tuple(file for files in self.files.values() for file in files)

    @property
    def size_bytes(self) -> int:
        """Bytes of all files."""
        return sum(file.size_bytes for file in self.all_files)


def missing_files(files: Iterable[StagedFile]) -> dict[str, str]:
    """Return what is wrong with staged files, by path: gone, or of another size than was staged.

    Files that one run staged for a table are in one folder, which is listed: one request for each thousand files.

    Raises:
        StorageError: the store does not answer.
    """
    by_folder: dict[str, list[StagedFile]] = {}
    for file in files:
        of_run = _RUN_FOLDER.match(file.path)
        by_folder.setdefault(of_run.group(1) if of_run else file.path.rpartition("/")[0], []).append(file)
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="staged") as pool:
        listed = [one for found in pool.map(storage.stored_files, by_folder) for one in found]
    sizes = {storage.canonical(one.uri): one.size for one in listed}
    problems: dict[str, str] = {}
    for file in (file for found in by_folder.values() for file in found):
        size = sizes.get(storage.canonical(file.path))
        if size is None:
            problems[file.path] = f"{file.path} is gone"
        elif size != file.size_bytes:
            problems[file.path] = f"{file.path} has {size} bytes, {file.size_bytes} were staged"
    return problems


def staged_folder(ref: TableRef, part: int, case_id: int, load_id: str, run: str = "") -> str:
    """Return the folder of one import's files of one table.

    Args:
        ref: The table.
        part: The case's partition.
        case_id: The case.
        load_id: The import.
        run: Names the run of the import: the files of its imports are in one folder, so that one listing has them all.

    Raises:
        LakeError: `load_id` cannot be a folder's name.
    """
    if not _SAFE.fullmatch(load_id):
        msg = f"load id {load_id!r} cannot be a folder's name: letters, digits, dot, dash and underscore only"
        raise LakeError(msg)
    of_run = f"run={hashlib.sha256(run.encode()).hexdigest()[:16]}/" if run else ""
    return f"{ref.data_location}/part={part}/{of_run}case={case_id}/{load_id}"


def _check_columns(refs: Mapping[str, TableRef], tables: Mapping[str, Table]) -> None:
    """Refuse descriptions of tables without a column that this version fills: an earlier version made them.

    Raises:
        SchemaMismatchError: a table lacks a column.
    """
    for short_name, table in tables.items():
        known = set(refs[short_name].file_schema(column.name for column in table.stored_columns).names)
        missing = [column.name for column in table.stored_columns if column.name not in known]
        if missing:
            msg = (
                f"{table.name} has no column {', '.join(missing)}: this worker's radiant is newer than the one that "
                "prepared the import. Run the same version in both, or `radiant upgrade`, and import the case again"
            )
            raise SchemaMismatchError(msg)


class Stager:
    """Writes the rows of one case, then returns the manifest.

    A context manager: leaving the block with an error, or without `finish()`, deletes everything it wrote. Entering
    deletes what earlier stagers of the same load left, if `may_delete` returns that this is allowed. Every stager uses
    new file names, so that a finished import that runs again never changes rows that are visible. It needs no catalog:
    the table references have all that it uses.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what names the rows
        self,
        refs: Mapping[str, TableRef],
        part: int,
        case_id: int,
        load_id: str,
        file_prefix: str | None = None,
        tables: Mapping[str, Table] = CASE_TABLES,
        *,
        run: str = "",
        may_delete: Callable[[], bool] | None = None,
    ) -> None:
        """Prepare.

        Args:
            refs: From `ensure_tables`, by short name; only the case tables are used.
            part: The case's partition.
            case_id: The case.
            load_id: Names this import; part of every path.
            file_prefix: Of the files' names; a new one when None. A reading process that stages a shard (and never
                enters the block) takes that of the import's stager, a dash and a number.
            tables: The declarations of the tables, by short name.
            run: Of the import, as `staged_folder` takes it.
            may_delete: Returns whether no commit took, and no later stager wrote, files that are there when it is
                called. Without it, files of earlier stagers stay.
        """
        self._tables = tables
        self._may_delete = may_delete
        self._part = part
        self._case_id = case_id
        self._load_id = load_id
        self._folders = {name: staged_folder(refs[name], part, case_id, load_id, run) for name in CASE_TABLES}
        self._file_prefix = file_prefix or uuid.uuid4().hex[:8]
        self._adopted: dict[str, list[StagedFile]] = {name: [] for name in CASE_TABLES}
        _check_columns(refs, tables)
        self._writers = {
            name: DataFileWriter(
                refs[name].file_schema(column.name for column in table.stored_columns),
                refs[name].spec_id,
                f"{self._folders[name]}/{self._file_prefix}-",
                part,
                storage.open_write,
            )
            for name, table in tables.items()
        }
        self._row_schemas = {name: row_schema(table, self._writers[name].schema) for name, table in tables.items()}
        self._digests = {name: RowDigest() for name in CASE_TABLES}
        self._known: dict[str, _Known] = {}
        """What was found of the schema that the last batch of each table had."""
        self._manifest: Manifest | None = None

    def __enter__(self) -> Self:
        """Delete the files of earlier stagers of this load, where that is allowed."""
        if self._may_delete is not None:
            # Listed before the question: only files that the answer is about are deleted, none of a later stager.
            earlier = self._staged_so_far()
            taken = any(uri.endswith(f"/{HANDED_OVER}") for uri in earlier)
            if earlier and not taken and self._may_delete():
                storage.delete_files(earlier)
        return self

    def _staged_so_far(self) -> list[str]:
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="staged") as pool:
            return [uri for found in pool.map(storage.list_files, self._folders.values()) for uri in found]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Keep the files only after `finish()` and without an error."""
        if kind is not None or self._manifest is None:
            self.abort()

    def write(self, short_name: str, batch: pa.RecordBatch) -> None:
        """Add rows to a table, in the order they shall be read.

        Args:
            short_name: A key of `domain.tables.CASE_TABLES`.
            batch: The table's columns by name, in any order, without `part` and `case_id`. Types as declared, except
                that strings and lists may be large, and that columns, elements of lists, keys and values of maps may
                be dictionaries (of which none holds a dictionary).

        Raises:
            SchemaMismatchError: columns are missing, unknown, of another type, or null where a value is required.
            StorageError: the disk is full or the store does not answer.
        """
        if self._manifest is not None:
            msg = f"load {self._load_id} of case {self._case_id} is finished, it takes no more rows"
            raise LakeError(msg)
        table = self._tables.get(short_name)
        if table is None:
            msg = f"there is no case table {short_name!r}; the tables are {', '.join(CASE_TABLES)}"
            raise SchemaMismatchError(msg)
        writer = self._writers[short_name]
        declared = [column for column in table.columns if column.name not in KEY_COLUMNS]
        target = self._row_schemas[short_name]
        known = self._known.get(short_name)
        if known is None or not batch.schema.equals(known.schema):
            known = self._known[short_name] = _Known.of(batch.schema, declared, target)
        rows = batch if known.fits(batch) else _checked(table.name, declared, target, batch)
        if not rows.num_rows:
            return
        self._digests[short_name].update(rows)
        values = dict(zip(rows.schema.names, rows.columns, strict=True))
        values[PARTITION_COLUMN] = pa.repeat(pa.scalar(self._part, pa.int32()), batch.num_rows)
        values[CASE_COLUMN] = pa.repeat(pa.scalar(self._case_id, pa.int64()), batch.num_rows)
        for name, other in SAME_AS.items():
            # A table of an earlier version that requires the column has it in each row.
            if name in values and writer.schema.field(name).nullable:
                values[name] = without_copies(values[name], values[other])
        with_key = [values[name] for name in writer.schema.names]
        with _storage_errors(self._folders[short_name]):
            writer.write(pa.RecordBatch.from_arrays(with_key, names=writer.schema.names))

    @property
    def file_prefix(self) -> str:
        """The prefix of the names of all files of this stager."""
        return self._file_prefix

    @property
    def row_digests(self) -> dict[str, RowDigest]:
        """Digests of the rows so far, by short name."""
        return self._digests

    def adopt(self, pieces: Manifest, digests: Mapping[str, RowDigest]) -> None:
        """Add the rows that a helper staged after those that are there.

        A table's rows come from helpers or from `write`, not from both: their files would not be in order.

        Args:
            pieces: What the helper's `finish()` returned.
            digests: The helper's `row_digests`.
        """
        for name, files in pieces.files.items():
            self._adopted[name] += files
            self._digests[name].follow(digests[name])

    def finish(self) -> Manifest:
        """Close all files and describe them.

        Raises:
            StorageError: the disk is full or the store does not answer.
        """
        if self._manifest is None:
            files: dict[str, tuple[StagedFile, ...]] = {}
            for name, writer in self._writers.items():
                with _storage_errors(self._folders[name]):
                    files[name] = (*self._adopted[name], *writer.close())
            self._manifest = Manifest(
                part=self._part,
                case_id=self._case_id,
                load_id=self._load_id,
                files=files,
                rows={
                    name: writer.rows + sum(file.record_count for file in self._adopted[name])
                    for name, writer in self._writers.items()
                },
                digests={name: digest.hexdigest() for name, digest in self._digests.items()},
            )
        return self._manifest

    def abort(self) -> None:
        """Delete everything that this stager wrote, finished or not."""
        for writer in self._writers.values():
            writer.abort()
        # With a leading dot: a file that a killed process left half written.
        own = f"{self._file_prefix}-"
        found = [uri for uri in self._staged_so_far() if uri.rpartition("/")[2].removeprefix(".").startswith(own)]
        storage.delete_files(found)


class _storage_errors:  # noqa: N801 - reads as a statement
    """Turn the operating system's write errors, as Arrow passes them on, into ours."""

    def __init__(self, where: str) -> None:
        self._where = where

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, OSError):
            msg = (
                f"{self._where}: could not be written: {error.strerror or error}. "
                "Free space or check the store, then try again"
            )
            raise StorageError(msg) from error


@dataclass(frozen=True, slots=True)
class _Known:
    """What follows from the schema of batches alone: most come as they are stored, and of one schema after another."""

    schema: pa.Schema
    as_stored: bool
    """Whether the columns are the declared ones in their order, with types that `_fitted` returns as they are."""
    required: tuple[int, ...]
    hiding: tuple[int, ...]
    """Dictionaries in which a null must not hide: of required columns, and of texts, which files may store as such."""

    @classmethod
    def of(cls, schema: pa.Schema, declared: list[Column], target: pa.Schema) -> _Known:
        as_stored = schema.names == [column.name for column in declared] and all(
            _is_stored_so(field.type, target.field(field.name).type) for field in schema
        )
        required = tuple(at for at, column in enumerate(declared) if column.required)
        hiding = tuple(
            at
            for at, type_ in enumerate(schema.types)
            if pa.types.is_dictionary(type_) and (at in required or pa.types.is_string(type_.value_type))
        )
        return cls(schema, as_stored, required, hiding)

    def fits(self, batch: pa.RecordBatch) -> bool:
        """Return whether a batch of this schema is surely right as it is; if not, `_checked` decides."""
        return (
            self.as_stored
            and not any(batch.column(at).dictionary.null_count for at in self.hiding)
            and not any(batch.column(at).null_count for at in self.required)
        )


def _is_stored_so(type_: pa.DataType, target: pa.DataType) -> bool:
    if pa.types.is_map(type_):
        return _plain(type_) == _plain(target)
    return type_ == target or (pa.types.is_dictionary(type_) and type_ == pa.dictionary(pa.int32(), target))


def _checked(table: str, declared: list[Column], schema: pa.Schema, batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return the declared columns in declared order, or name every column that is wrong."""
    given = batch.schema.names
    names = [column.name for column in declared]
    problems = [f"{name} is missing" for name in names if name not in given]
    problems += [f"{name} is not a column of the table" for name in given if name not in names]
    problems += [f"{name} comes twice" for name in sorted({name for name in given if given.count(name) > 1})]
    columns: list[pa.Array] = []
    for column in declared if not problems else ():
        array = batch.column(column.name)
        target = schema.field(column.name).type
        fitted = _fitted(array, target)
        if fitted is None:
            problems.append(f"{column.name} is {array.type}, declared {column.type}")
        elif column.required and (nulls := _null_count(fitted)):
            problems.append(f"{column.name} is required and has {nulls} nulls")
        else:
            columns.append(fitted)
    if problems:
        msg = f"rows for {table} do not fit: {'; '.join(problems)}"
        raise SchemaMismatchError(msg)
    fields = [pa.field(name, array.type) for name, array in zip(names, columns, strict=True)]
    return pa.RecordBatch.from_arrays(columns, schema=pa.schema(fields))


def _null_count(array: pa.Array) -> int:
    if pa.types.is_dictionary(array.type) and array.dictionary.null_count:
        array = array.dictionary.take(array.indices)
    return array.null_count


def _fitted(array: pa.Array, target: pa.DataType) -> pa.Array | None:
    """Return the array in the file's type (dictionaries stay), None when it has another meaning."""
    type_ = array.type
    if type_ == target:
        return array
    if pa.types.is_null(type_):
        return array.cast(target)
    if _plain(type_) != _plain(target):
        return None
    if not pa.types.is_dictionary(type_):
        # The writer decodes the dictionaries of maps.
        return array if pa.types.is_map(type_) else array.cast(target)
    if target == pa.string():
        # A null inside the dictionary is a null that no count includes: decode those.
        return array.cast(target if array.dictionary.null_count else _REPEATED_TEXT)
    return pa.DictionaryArray.from_arrays(array.indices, _fitted(array.dictionary, target))


def _plain(type_: pa.DataType) -> pa.DataType:
    """Return the type of the values, however they are encoded; a dictionary of dictionaries stays."""
    if pa.types.is_dictionary(type_) and not pa.types.is_dictionary(type_.value_type):
        return _plain(type_.value_type)
    if pa.types.is_list(type_) or pa.types.is_large_list(type_):
        return pa.list_(_plain(type_.value_type))
    if pa.types.is_map(type_):
        return pa.map_(_plain(type_.key_type), _plain(type_.item_type))
    return pa.string() if pa.types.is_large_string(type_) else type_
