"""Search every remaining file for a case that was erased, without the catalog and without Iceberg's reader.

Parquet files are read by pyarrow alone: case numbers row by row, and every text of every column. Any other file is
searched byte by byte, manifests and compressed logs after decompression.
"""

import contextlib
import gzip
import re
import sqlite3
import time
import zlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from radiant import storage
from radiant.errors import InputError
from radiant.lake.avro_blocks import plain_blocks
from radiant.lake.content_errors import is_of_content
from radiant.worker.erasure_terms import SearchTerms

# pyarrow makes its compute functions at run time.
# pyright: reportAttributeAccessIssue=false

_CASE = "case_id"
_SQLITE = b"SQLite format 3\0"


@dataclass(frozen=True, slots=True)
class Hit:
    """A file in which the case is still found."""

    uri: str
    found: str
    """What was found: the case's number, or the kind of a name; never the name."""
    place: str
    """Where in the file."""


@dataclass(frozen=True, slots=True)
class ScanReport:
    """The result of a search."""

    files: int
    parquet_files: int
    """Of them, read row by row."""
    bytes: int
    """Of all files, as they are stored."""
    rows: int
    """Of the Parquet files."""
    terms: dict[str, int]
    """How many names of each kind were searched for."""
    shared: dict[str, int]
    """How many names of each kind another case has, too; its files were not searched for them."""
    short: int
    """Names that are too short to be searched for in bytes; they were searched for as whole values of columns."""
    seconds: float
    hits: tuple[Hit, ...] = field(default=())
    damaged: tuple[str, ...] = field(default=())
    """Files whose compressed content could not be read to its end: what is there was searched, and their bytes."""


def scan(
    uris: Iterable[str], terms: SearchTerms, numbers_allowed_in: Collection[str] = (), without: Collection[str] = ()
) -> ScanReport:
    """Search files for a case.

    Args:
        uris: Folders, with all that they hold, and files.
        terms: What to search for.
        numbers_allowed_in: Folders and files that may name the case's number: the record of the erasure.
        without: Files that are not searched.

    Raises:
        StorageError: a store does not answer.
    """
    began = time.monotonic()
    files = [file for uri in uris for file in storage.stored_files(uri) if file.uri not in without]
    hits: list[Hit] = []
    tables = [file for file in files if file.uri.endswith(".parquet")]
    damaged: list[str] = []
    rows = 0
    for file in tables:
        found, count, is_whole = _scan_parquet(file.uri, terms)
        hits += found
        rows += count
        damaged += [] if is_whole else [file.uri]
    patterns = {within: terms.pattern(within=within) for within in (False, True)}
    number = terms.case_pattern()
    kinds = {name.encode(): kind for name, kind in terms.kinds.items()}
    for file in files:
        may_name = file.uri.startswith(tuple(numbers_allowed_in))
        for place, block, is_binary, is_whole in _blocks(file.uri):
            damaged += [] if is_whole else [file.uri]
            if not may_name and number.search(block):
                hits.append(Hit(file.uri, "case", place))
            hits += [Hit(file.uri, kind, place) for kind in _kinds_in(block, patterns[is_binary], kinds)]
    return ScanReport(
        files=len(files),
        parquet_files=len(tables),
        bytes=sum(file.size for file in files),
        rows=rows,
        terms={"case": 1} | {kind: len(found) for kind, found in terms.names.items() if found},
        shared=terms.shared,
        short=terms.short,
        seconds=round(time.monotonic() - began, 1),
        hits=tuple(dict.fromkeys(hits)),
        damaged=tuple(dict.fromkeys(damaged)),
    )


def _kinds_in(block: bytes, names: re.Pattern[bytes] | None, kinds: dict[bytes, str]) -> set[str]:
    return set() if names is None else {kinds[one.group()] for one in names.finditer(block)}


def _blocks(uri: str) -> Iterator[tuple[str, bytes, bool, bool]]:
    """Yield the name of a file, then its bytes, decompressed where it is compressed.

    With each, whether it is no text, and whether all of it could be decompressed. Of a SQLite file, the values
    of all rows: it was written again without deleted ones.
    """
    yield "file name", uri.encode(errors="surrogatepass"), False, True
    try:
        data = storage.read_bytes(uri)
    except InputError:
        return  # deleted since it was listed
    if data.startswith(b"\x1f\x8b"):
        try:
            data = gzip.decompress(data)
        except (EOFError, OSError, zlib.error):
            yield "bytes", data, True, False
            return
    path = storage.local_path(uri)
    if data.startswith(_SQLITE) and path is not None:
        yield "value of a database", _database_text(path), False, True
        return
    is_binary = b"\0" in data
    for block, is_whole in plain_blocks(data):
        yield "bytes", block, is_binary, is_whole


def _database_text(path: Path) -> bytes:
    """Return each value of each row of a SQLite file as a line."""
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        values = (
            str(value)
            for name in tables
            for row in connection.execute(f'SELECT * FROM "{name}"')  # noqa: S608 - a name of the schema itself
            for value in row
        )
        return "\n".join(values).encode(errors="surrogatepass")


def _scan_parquet(uri: str, terms: SearchTerms) -> tuple[list[Hit], int, bool]:
    """Return where a Parquet file names the case, how many rows it has, and whether all of them could be read."""
    hits: list[Hit] = []
    rows = 0
    kinds, pattern = dict(terms.kinds), terms.pattern()
    in_bytes = {name.encode(): kind for name, kind in kinds.items()}
    try:
        with storage.open_read(uri) as file:
            for batch in pq.ParquetFile(file).iter_batches():
                rows += batch.num_rows
                if _CASE in batch.schema.names and pc.any(pc.equal(batch.column(_CASE), terms.case_id)).as_py():
                    hits.append(Hit(uri, "case", "row of the case"))
                for values in _texts(batch):
                    distinct = {one for one in pc.unique(values).to_pylist() if one}
                    found = {kinds[one] for one in distinct & kinds.keys()}
                    found |= _kinds_in("\n".join(distinct).encode(errors="surrogatepass"), pattern, in_bytes)
                    hits += [Hit(uri, kind, "text of a column") for kind in found]
    except InputError:
        return hits, rows, True  # deleted since it was listed
    except (pa.ArrowInvalid, OSError) as error:
        if not is_of_content(error):
            raise
        return hits, rows, False  # its bytes are searched
    return hits, rows, True


def _texts(batch: pa.RecordBatch) -> Iterator[pa.Array]:
    """Yield every array of texts in a batch, those inside lists, maps and structs, too."""
    waiting = list(batch.columns)
    while waiting:
        array = waiting.pop()
        type_ = array.type
        if pa.types.is_dictionary(type_):
            waiting.append(array.dictionary)
        elif pa.types.is_string(type_) or pa.types.is_large_string(type_):
            yield array
        elif pa.types.is_map(type_):
            waiting += [array.keys, array.items]
        elif pa.types.is_list(type_) or pa.types.is_large_list(type_):
            waiting.append(array.values)
        elif pa.types.is_struct(type_):
            waiting += [array.field(index) for index in range(type_.num_fields)]
