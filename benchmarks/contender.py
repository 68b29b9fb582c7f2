"""One contender per process: `python benchmarks/contender.py NAME ARGUMENTS`, the arguments of its function."""

import functools
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Self


def prepare(
    vcf: str, ped: str, home: str, assembly: str = "GRCh38", impact: str = "HIGH", fasta: str | None = None
) -> None:
    """Make the tables, the case document and the request of import-case, which precede the job.

    The impact from which pairs are made is HIGH: the demo packs all variants into few genes, where pairs grow with the
    square.
    """
    from radiant import lake, storage
    from radiant.domain.case import Case, Priority
    from radiant.domain.pedigree import parse_pedigree
    from radiant.jobs.codec import encode
    from radiant.jobs.documents import Request
    from radiant.settings import load_settings
    from radiant.worker import case_document

    with lake.open_catalog(load_settings({"RADIANT_HOME": home})) as catalog:
        tables = lake.ensure_tables(catalog, "radiant")
    members = tuple(parse_pedigree(Path(ped).read_text(), ped, None))
    uri = vcf if "://" in vcf else f"file://{vcf}"
    case = Case(1, uri, "wgs", Priority.ROUTINE, assembly, members)
    document = case_document.CaseDocument(case, 0, "load", 0, impact, fasta, tables)
    case_uri = f"file://{home}/run/cases/1.json"
    case_document.write_case(case_uri, document)
    arguments = {"case_id": 1, "case_uri": case_uri, "load_id": "load"}
    storage.write_bytes(_request(home), encode(Request("import-case", "a", f"file://{home}/run", arguments)))


def _request(home: str) -> str:
    return f"file://{home}/request.json"


def radiant(home: str) -> None:
    """Be `radiant-worker import-case`: read, stage all tables, write the manifest and the result."""
    import os

    from radiant.worker.main import main

    os.environ["RADIANT_HOME"] = home
    try:
        main(["import-case", "--request", _request(home), "--result", f"file://{home}/result.json"])
    except SystemExit as end:
        if end.code:
            raise


def line_by_line(home: str) -> None:
    """Import without the fast path: the rules read every line."""
    from radiant import vcf

    vcf.ReadOptions = functools.partial(vcf.ReadOptions, fast=False)  # type: ignore[misc,assignment]
    _import(home)


def without_inheritance(home: str) -> None:
    """Import without origin, Mendelian error, mode, pairs, family counts and their judgement."""
    import pyarrow as pa

    from radiant.domain.quality import QualityCounts
    from radiant.vcf import fast_totals
    from radiant.vcf.fast.genotype_columns import Inheritances
    from radiant.vcf.rows import fast_rows

    def unknown(self: Inheritances, person: Any, *_: Any) -> dict[str, pa.Array]:
        del self
        codes, count = pa.array(person * 0, pa.int32()), len(person)
        return {
            "parental_origin": pa.DictionaryArray.from_arrays(codes, pa.array(["unknown"])),
            "mendelian_error": pa.nulls(count, pa.bool_()),
            "transmission_mode": pa.DictionaryArray.from_arrays(codes, pa.array(["unknown_parents_genotype"])),
        }

    def nothing(*_: Any) -> None:
        pass

    Inheritances.columns = unknown
    fast_totals.count_families = nothing
    fast_rows.find_candidates = nothing
    QualityCounts._judge = lambda _: ({}, [])  # type: ignore[method-assign] # noqa: SLF001 - what is measured
    _import(home)


def share_of_inheritance(home: str) -> None:
    """Import, and print the CPU seconds of inheritance and those of the whole process, start included.

    Counted: origin, error and mode of each row; family counts and their judgement; candidates, pairs, and staging the
    pairs' rows. Not counted: hashing and writing the three columns of each row.
    """
    from radiant import lake
    from radiant.domain.quality import QualityCounts
    from radiant.vcf import fast_totals
    from radiant.vcf.fast.genotype_columns import Inheritances
    from radiant.vcf.rows import compound_het, fast_rows

    spent = 0.0
    running = False

    def timed(function: Callable[..., Any], only: str | None = None) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            nonlocal spent, running
            if running or (only is not None and only not in given):
                return function(*given, **named)
            started, running = time.thread_time(), True
            try:
                result = function(*given, **named)
                # A generator does its work here, all at once.
                return iter(list(result)) if hasattr(result, "send") else result
            finally:
                spent, running = spent + time.thread_time() - started, False

        return call

    Inheritances.columns = timed(Inheritances.columns)  # type: ignore[method-assign]
    fast_totals.count_families = timed(fast_totals.count_families)
    fast_rows.find_candidates = timed(fast_rows.find_candidates)
    compound_het.PairsInColumns.add_columns = timed(compound_het.PairsInColumns.add_columns)  # type: ignore[method-assign]
    compound_het.PairsInColumns.batches = timed(compound_het.PairsInColumns.batches)  # type: ignore[method-assign]
    QualityCounts.to_json = timed(QualityCounts.to_json)  # type: ignore[method-assign]
    QualityCounts.warnings = timed(QualityCounts.warnings)  # type: ignore[method-assign]
    lake.Stager.write = timed(lake.Stager.write, "compound_het")  # type: ignore[method-assign]
    _import(home)
    print(f"{spent:.3f} {time.process_time():.3f}")


def slow_disk(bytes_per_s: str, home: str) -> None:
    """Import from a file with this bandwidth, read ahead without end."""
    from radiant import storage

    opened = storage.open_read

    def throttled(uri: str, *rest: Any) -> IO[bytes]:
        file = opened(uri, *rest)
        if not uri.endswith(".vcf.gz"):
            return file
        started, read = time.monotonic(), file.read

        class Slow:
            sent = 0
            fileno = file.fileno

            def read(self, size: int = -1) -> bytes:
                data = read(size)
                self.sent += len(data)
                time.sleep(max(0.0, self.sent / float(bytes_per_s) - (time.monotonic() - started)))
                return data

            def __enter__(self) -> Self:
                return self

            def __exit__(self, *_: object) -> None:
                file.close()

        return Slow()  # type: ignore[return-value]

    storage.open_read = throttled
    _import(home)


def start_up(home: str) -> None:
    """Start `radiant-worker import-case` three times; print the median of the seconds to its first record."""
    import subprocess

    seen: list[float] = []
    for _ in range(3):
        started = time.time()
        done = subprocess.run(  # noqa: S603 - ours
            [sys.executable, __file__, "to-first-record", home], check=True, capture_output=True, text=True
        )
        seen.append(float(done.stdout.strip().splitlines()[-1]) - started)
    print(f"{sorted(seen)[len(seen) // 2]:.3f}")


def to_first_record(home: str) -> None:
    """Be `radiant-worker`, and stop at the first record."""
    import importlib
    import os

    import_module = importlib.import_module

    @functools.wraps(import_module)
    def patched(name: str, package: str | None = None) -> Any:
        module = import_module(name, package)
        if name == "radiant.worker.import_case":
            from radiant.vcf.fast.fast_reader import FastReader

            FastReader.read = stop  # type: ignore[method-assign,assignment]
        return module

    def stop(*_: Any) -> None:
        print(time.time(), flush=True)
        os._exit(0)

    importlib.import_module = patched
    _import(home)


def cyvcf2(vcf: str) -> None:
    """Loop over records."""
    from cyvcf2 import VCF

    for _ in VCF(vcf):
        pass


def polars_bio(vcf: str) -> None:
    """Read all columns with CSQ unsplit."""
    import polars_bio

    polars_bio.scan_vcf(vcf).collect()


def oxbow(vcf: str) -> None:
    """Read all batches."""
    import oxbow as ox

    for _ in ox.from_vcf(vcf, compression="bgzf").batches():
        pass


def decompress(vcf: str) -> None:
    """Decompress."""
    from radiant.vcf.text.source import Source

    for _ in Source(f"file://{vcf}").feed(4 << 20).pieces():
        pass


def write(folder: str) -> None:
    """Read the staged files and write them again: an upper bound of the cost of writing."""
    import pyarrow.parquet as pq

    for path in sorted(Path(folder).rglob("*.parquet")):
        file = pq.ParquetFile(path)
        with pq.ParquetWriter(
            Path(folder) / "again", file.schema_arrow, compression="zstd", compression_level=1
        ) as out:
            for group in range(file.num_row_groups):
                out.write_table(file.read_row_group(group))


_import = radiant
"""The function above, where `radiant` is the package."""

CONTENDERS: dict[str, Callable[..., None]] = {
    "prepare": prepare,
    "radiant": radiant,
    "line-by-line": line_by_line,
    "without-inheritance": without_inheritance,
    "share-of-inheritance": share_of_inheritance,
    "slow-disk": slow_disk,
    "start-up": start_up,
    "to-first-record": to_first_record,
    "cyvcf2": cyvcf2,
    "polars-bio": polars_bio,
    "oxbow": oxbow,
    "decompress": decompress,
    "write": write,
}

if __name__ == "__main__":
    CONTENDERS[sys.argv[1]](*sys.argv[2:])
