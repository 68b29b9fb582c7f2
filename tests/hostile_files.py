"""Files that are made to fill memory or time, each of a few MB at most.

Run as a program, it writes and reads them, and prints what that took.
"""

import gzip
import json
import struct
import sys
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

from radiant import vcf
from radiant.errors import RadiantError
from radiant.vcf.text.bgzf import EOF_BLOCK
from radiant.vcf.text.limits import MAX_ENTRIES
from radiant.worker.memory import peak_of_own_process
from vcf_files import HEADER, record, text

_BLOCK_TEXT = 65_280
_BOMB_BLOCKS = 8_000
"""522 MB of text, in less than 1 MB."""
_UNBROKEN_BLOCKS = 400
"""26 MB."""
_HEAD = text([])


def _block(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    deflated = packer.compress(data) + packer.flush()
    start = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x06\0BC\x02\0" + struct.pack("<H", len(deflated) + 25)
    return start + deflated + struct.pack("<II", zlib.crc32(data), len(data))


def _bgzf_bomb(path: Path, head: str, repeated: bytes) -> None:
    path.write_bytes(_block(head.encode()) + _block(repeated) * _BOMB_BLOCKS + EOF_BLOCK)


def _gzip_bomb(path: Path, head: str, repeated: bytes) -> None:
    with gzip.open(path, "wb") as file:
        file.write(head.encode())
        for _ in range(_UNBROKEN_BLOCKS):
            file.write(repeated)


def _bcf(path: Path, length: int, rest: bytes) -> None:
    path.write_bytes(_block(b"BCF\x02\x02" + struct.pack("<I", length) + rest) + EOF_BLOCK)


def write_hostile(folder: Path) -> Iterator[Path]:
    """Write the files; the names are those of the test's table."""
    unbroken = b"A" * _BLOCK_TEXT
    on_a_decoy = record(chrom="decoy", info="NOTE=" + "A" * 65_000).encode() + b"\n"
    _bgzf_bomb(folder / "endless-line.bgz", _HEAD + record(info="NOTE=")[:-10], unbroken)
    _gzip_bomb(folder / "endless-line.gz", _HEAD + record(info="NOTE=")[:-10], unbroken)
    _bgzf_bomb(folder / "endless-header-line.bgz", HEADER + '##INFO=<ID=X,Number=1,Type=String,Description="', unbroken)
    _bgzf_bomb(folder / "records-without-number.bgz", _HEAD, on_a_decoy)
    _gzip_bomb(folder / "empty-lines.gz", _HEAD, b"\n" * _BLOCK_TEXT)
    key = '##INFO=<ID=K{},Number=1,Type=String,Description="A key">'
    many = "\n".join(key.format(number) for number in range(100_000))
    (folder / "header-of-100000-lines.vcf").write_text(HEADER + many + "\n" + _HEAD.removeprefix(HEADER))
    huge = HEADER + key.format("X").replace("A key", "A" * (8 << 20)) + "\n"
    (folder / "declaration-of-8-MiB.vcf").write_text(huge + _HEAD.removeprefix(HEADER))
    crowd = {
        "ids": record(id_=";".join(f"rs{number}" for number in range(MAX_ENTRIES + 1))),
        "alts": record(alt=",".join("A" * number for number in (2,) * (MAX_ENTRIES + 1))),
        "filters": record(filter_=";".join(f"f{number}" for number in range(MAX_ENTRIES + 1))),
        "info": record(info="X;" * (MAX_ENTRIES + 1)),
        "formats": record(format_="GT" + ":X" * (MAX_ENTRIES + 1)),
    }
    for name, line in crowd.items():
        (folder / f"crowded-{name}.vcf").write_text(text([record(), line]))
    samples = [f"S{number}" for number in range(1_001)]
    (folder / "samples.vcf").write_text(text([record(*["0/1"] * len(samples))], samples))
    (folder / "lines-of-nothing.vcf").write_text(text(["\n" * 1_000_000, record()]))
    _bcf(folder / "header-of-1-GiB.bcf", 1 << 30, b"\0" * 1000)
    header = text([]).encode() + b"\0"
    _bcf(folder / "record-of-1-GiB.bcf", len(header), header + struct.pack("<II", 1 << 30, 0) + b"\0" * 1000)
    yield from sorted(folder.iterdir())


def _read(path: Path) -> tuple[str, str]:
    uri, options = f"file://{path}", vcf.ReadOptions()
    try:
        for _ in vcf.read_case(uri, None, options).batches():
            pass
    except RadiantError as error:
        return error.code, str(error)
    return "", "was read"


def _read_in_shards(path: Path) -> str:
    uri, options = f"file://{path}", vcf.ReadOptions()
    try:
        whole = vcf.ShardedReader(uri, None, options)
        reader = vcf.ShardReader(uri, None, options, whole.header)
        for shard in whole.shards(8 << 20, 1):
            reader.read(shard, lambda _name, _batch: None)
    except vcf.NeedsOneReaderError:
        return "left to one reader"
    except RadiantError as error:
        return str(error)
    return "was read"


def main() -> None:
    """Read each file of a folder; print name, code, message, seconds of CPU, and the process's peak so far in MiB."""
    for path in write_hostile(Path(sys.argv[1])):
        started = time.process_time()
        code, message = _read(path)
        sharded = _read_in_shards(path) if path.suffix == ".bgz" else ""
        took = time.process_time() - started
        # Not `ru_maxrss`: over vfork and exec it begins with the peak of pytest.
        peak = peak_of_own_process() / (1 << 20)
        print(json.dumps([path.name, code, message, sharded, took, peak]))  # noqa: T201 - what the test reads


if __name__ == "__main__":
    main()
