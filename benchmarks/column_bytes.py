"""What the tables of an import weigh beside their VCF, and which column costs what: the tables of docs/performance.md.

    python benchmarks/column_bytes.py /tmp/data --records 300000 [--corpus ../shared/corpus]

Imports one case of each kind of file in a folder of its own and adds up the bytes of each column in the footers of its
data files. A ratio is of the bytes of the bgzipped VCF.
"""

import argparse
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import data
import pyarrow.parquet as pq

TOOL = [sys.executable, str(Path(__file__).parent / "contender.py")]
TABLES = ("occurrence", "variant", "consequence")
CORPUS = {
    "ashk-trio": ("HG002", "HG003", "HG004"),
    "upd-trio": ("CHILD", "FATHER", "MOTHER"),
    "roh-single-vep": (None,),
}
"""Real files that are large enough: child, father, mother; None for the one sample of a file."""


@dataclass(frozen=True)
class Stored:
    """The bytes of one imported case."""

    vcf: int
    files: int
    columns: Counter[tuple[str, str]]
    """By table and column."""

    def share(self, count: int) -> str:
        return f"{100 * count / self.vcf:.1f}"


def imported(vcf: Path, ped: Path, assembly: str) -> Stored:
    """Import a case and add up its columns."""
    with tempfile.TemporaryDirectory() as home:
        subprocess.run([*TOOL, "prepare", str(vcf), str(ped), home, assembly], check=True, capture_output=True)  # noqa: S603 - ours
        subprocess.run([*TOOL, "radiant", home], check=True, capture_output=True)  # noqa: S603 - ours
        columns: Counter[tuple[str, str]] = Counter()
        files = list(Path(home).rglob("*.parquet"))
        for path in files:
            table = next(part for part in path.parts if part.startswith("germline_snv_")).removeprefix("germline_snv_")
            metadata = pq.ParquetFile(path).metadata
            for group in map(metadata.row_group, range(metadata.num_row_groups)):
                for chunk in map(group.column, range(group.num_columns)):
                    columns[table, chunk.path_in_schema.partition(".")[0]] += chunk.total_compressed_size
        return Stored(vcf.stat().st_size, sum(path.stat().st_size for path in files), columns)


def corpus(folder: Path, scratch: Path) -> dict[str, tuple[Path, Path, str]]:
    """Return the real files with a pedigree each."""
    found = {}
    for name, family in CORPUS.items():
        vcf, ped = folder / f"{name}.vcf.gz", scratch / f"{name}.ped"
        if None in family:
            with subprocess.Popen(["zgrep", "-m1", "^#CHROM", str(vcf)], stdout=subprocess.PIPE, text=True) as head:  # noqa: S603, S607 - ours
                family = (head.communicate()[0].split("\t")[9].strip(),)  # noqa: PLW2901 - the sample's name
        rows = [f"F\t{one}\t0\t0\t{sex}\t{2 - bool(at)}" for at, (one, sex) in enumerate(zip(family, (0, 1, 2)))]  # noqa: B905 - one sample or three
        if len(family) > 1:
            rows[0] = f"F\t{family[0]}\t{family[1]}\t{family[2]}\t0\t2"
        ped.write_text("\n".join(rows) + "\n")
        found[name] = (vcf, ped, "GRCh37")
    return found


def main() -> None:
    """Measure and print Markdown."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--records", type=int, default=300_000)
    parser.add_argument("--corpus", type=Path)
    given = parser.parse_args()
    families = {"demo": data.demo(given.data, given.records)} | {
        kind: data.varied(given.data, kind, given.records if kind == "genome" else given.records // 3)
        for kind in ("genome", "exome", "joint")
    }
    files = {name: (home / "FAM0001.vcf.gz", home / "FAM0001.ped", "GRCh38") for name, home in families.items()}
    with tempfile.TemporaryDirectory() as scratch:
        if given.corpus:
            files |= corpus(given.corpus, Path(scratch))
        seen = {name: imported(*one) for name, one in files.items()}
    print(f"| file | MB | tables, MB | ratio | {' | '.join(TABLES)} |\n|---|---:|---:|---:|{'---:|' * len(TABLES)}")
    for name, one in seen.items():
        of = [sum(count for (table, _), count in one.columns.items() if table == wanted) / one.vcf for wanted in TABLES]
        cells = " | ".join(f"{share:.2f}" for share in of)
        print(f"| {name} | {one.vcf / 1e6:.1f} | {one.files / 1e6:.1f} | **{one.files / one.vcf:.2f}** | {cells} |")
    top = sum((one.columns for one in (seen["demo"], seen["genome"])), Counter()).most_common(24)
    print(f"\n| table | column | {' | '.join(f'{name}, %' for name in seen)} |\n|---|---|{'---:|' * len(seen)}")
    for (table, column), _ in top:
        cells = " | ".join(one.share(one.columns[table, column]) for one in seen.values())
        print(f"| {table} | `{column}` | {cells} |")


if __name__ == "__main__":
    main()
