"""Manifests with many entries in a block are, entry by entry, what PyIceberg writes and reads."""

import io
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyiceberg.avro.encoder import BinaryEncoder
from pyiceberg.io.pyarrow import PyArrowFileIO
from pyiceberg.manifest import ManifestEntry, ManifestEntryStatus, write_manifest
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import IntegerType, LongType, NestedField

from radiant.lake.avro_blocks import plain_blocks
from radiant.lake.datafile import StagedFile
from radiant.lake.manifest_encoding import BLOCK_BYTES, encoding
from radiant.lake.pyiceberg_internals import _BlockManifestWriter

SCHEMA = Schema(
    NestedField(1, "part", IntegerType(), required=True), NestedField(2, "case_id", LongType(), required=True)
)
SPEC = PartitionSpec(PartitionField(1, 1000, IdentityTransform(), "part"))
NUMBERS = st.one_of(
    st.integers(0, 200), st.integers(-(1 << 63), (1 << 63) - 1), st.sampled_from([1 << 14, (1 << 14) - 1])
)
IDS = st.integers(1, 200) | st.just(1 << 20)
BOUNDS = st.dictionaries(IDS, (st.binary(max_size=20) | st.just(bytes(1 << 14))).map(bytes.hex), max_size=4)
FILES = st.builds(
    StagedFile,
    path=st.text(st.characters(exclude_categories=("Cs",)), max_size=300),
    record_count=NUMBERS,
    size_bytes=NUMBERS,
    part=st.integers(-(1 << 31), (1 << 31) - 1),
    spec_id=st.just(0),
    column_sizes=st.dictionaries(IDS, NUMBERS, max_size=80),
    value_counts=st.dictionaries(IDS, NUMBERS, max_size=4),
    null_value_counts=st.dictionaries(IDS, NUMBERS, max_size=4),
    lower_bounds=BOUNDS,
    upper_bounds=BOUNDS,
    split_offsets=st.lists(NUMBERS, max_size=4).map(tuple),
)


def entry(file: StagedFile, sequence_number: int | None = None) -> ManifestEntry:
    status = ManifestEntryStatus.ADDED if sequence_number is None else ManifestEntryStatus.EXISTING
    return ManifestEntry.from_args(
        status=status,
        snapshot_id=7,
        sequence_number=sequence_number,
        file_sequence_number=sequence_number,
        data_file=file.data_file(),
    )


def new_writer(kind, path, codec: str):
    output = PyArrowFileIO().new_output(str(path))
    return kind(2, SPEC, SCHEMA, output, 7, codec) if kind is write_manifest else kind(SPEC, SCHEMA, output, 7, codec)


def plain(one: ManifestEntry) -> list[object]:
    return [*one[:4], *(dict(value) if isinstance(value, Mapping) else value for value in one.data_file[:])]


@given(file=FILES, sequence_number=st.none() | NUMBERS)
def test_an_entry_is_encoded_as_pyiceberg_encodes_it(tmp_path_factory, file, sequence_number):
    path = tmp_path_factory.getbasetemp() / "manifest.avro"
    writer = new_writer(_BlockManifestWriter, path, "gzip").new_writer().writer
    with io.BytesIO() as stream:
        writer.write(BinaryEncoder(stream), entry(file, sequence_number))
        assert encoding(writer)(entry(file, sequence_number)) == stream.getvalue()


@pytest.mark.parametrize("codec", ["gzip", "zstd", "null"])
def test_a_manifest_of_many_entries_is_read_as_one_that_pyiceberg_wrote(tmp_path, codec):
    files = [
        StagedFile(
            f"s3://b/{number}.parquet", number, 1, number % 3, 0, {1: number}, {}, {}, {2: "01"}, {}, (4, number)
        )
        for number in range(2000)
    ]
    found, described, sizes = {}, {}, {}
    for kind in (write_manifest, _BlockManifestWriter):
        path = tmp_path / f"{kind.__name__}.avro"
        with new_writer(kind, path, codec) as writer:
            for file in files:
                writer.add(entry(file))
        manifest = writer.to_manifest_file()
        assert manifest.manifest_length == path.stat().st_size
        manifest.sequence_number = 3
        found[kind] = list(map(plain, manifest.fetch_manifest_entry(PyArrowFileIO())))
        described[kind] = [repr(one) for one in manifest[3:]]
        sizes[kind] = [len(block) for block, _ in plain_blocks(path.read_bytes())][1:]
    assert found[write_manifest] == found[_BlockManifestWriter]
    assert described[write_manifest] == described[_BlockManifestWriter]
    assert len(sizes[write_manifest]) == len(files)
    assert sum(sizes[write_manifest]) == sum(sizes[_BlockManifestWriter])
    assert all(BLOCK_BYTES <= size < 2 * BLOCK_BYTES for size in sizes[_BlockManifestWriter][:-1])
