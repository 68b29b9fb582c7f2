"""One contender per process: `python benchmarks/contender.py NAME VCF [PED SCRATCH PROCESSES]`."""

import sys
import tempfile
from pathlib import Path


def radiant(vcf: str, ped: str, scratch: str, processes: str, *, straightforward: bool = False) -> None:
    """Run the job import-case: read, stage all tables, write the manifest."""
    from radiant import lake
    from radiant.domain.case import Case, Priority
    from radiant.domain.pedigree import parse_pedigree
    from radiant.jobs.documents import Request
    from radiant.settings import load_settings
    from radiant.vcf.reader import CaseReader
    from radiant.worker import case_document, import_case

    if straightforward:
        import radiant.vcf

        radiant.vcf.read_case = CaseReader
    home = tempfile.mkdtemp(dir=scratch)
    settings = load_settings({"RADIANT_HOME": home, "RADIANT_VCF__PROCESSES": processes})
    tables = lake.ensure_tables(lake.open_catalog(settings), "radiant")
    members = tuple(parse_pedigree(Path(ped).read_text(), ped, None))
    case = Case(1, f"file://{vcf}", "wgs", Priority.ROUTINE, "GRCh38", members)
    # HIGH: the demo packs all variants into few genes, where pairs grow with the square.
    document = case_document.CaseDocument(case, 0, "load", 0, "HIGH", None, tables)
    uri = f"file://{home}/run/cases/1.json"
    case_document.write_case(uri, document)
    arguments = {"case_id": 1, "case_uri": uri, "load_id": "load"}
    import_case.handle(Request("import-case", "a", f"file://{home}/run", arguments), settings)


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
    from radiant.vcf.source import Source

    for _ in Source(f"file://{vcf}").feed(4 << 20).pieces():
        pass


def write(folder: str) -> None:
    """Read the staged files and write them again: an upper bound of what writing costs."""
    import pyarrow.parquet as pq

    for path in sorted(Path(folder).rglob("*.parquet")):
        file = pq.ParquetFile(path)
        with pq.ParquetWriter(
            Path(folder) / "again", file.schema_arrow, compression="zstd", compression_level=1
        ) as out:
            for group in range(file.num_row_groups):
                out.write_table(file.read_row_group(group))


if __name__ == "__main__":
    name, *arguments = sys.argv[1:]
    if name == "straightforward":
        radiant(*arguments, straightforward=True)
    else:
        {
            "radiant": radiant, "cyvcf2": cyvcf2, "polars-bio": polars_bio, "oxbow": oxbow, "decompress": decompress,
            "write": write,
        }[name](*arguments)  # fmt: skip
