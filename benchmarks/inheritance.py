"""The cost of inheritance: an import with and without it, in turns. `python benchmarks/inheritance.py`.

Without: no parental origin, Mendelian error and mode, no family counts and judgement, no compound heterozygous pairs.
"Inside" is the CPU time of its functions relative to the rest of the same process (the median of a few runs): other
work on the machine slows both. The ratio compares whole processes, the least CPU time of each: noisy on a busy machine.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import data
from measure import WITHOUT_PANDAS, measure

HERE = Path(__file__).parent
TRIOS = {
    "ashk-trio": ("HG002\tHG003\tHG004\t1\t2", "HG003\t0\t0\t1\t1", "HG004\t0\t0\t2\t1"),
    "upd-trio": ("CHILD\tFATHER\tMOTHER\t1\t2", "FATHER\t0\t0\t1\t1", "MOTHER\t0\t0\t2\t1"),
}
"""Real trios, measured where the folder has them."""


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--data", type=Path, default=Path(tempfile.gettempdir()) / "radiant-bench")
    parser.add_argument("--corpus", type=Path, help="a folder with " + ", ".join(f"{name}.vcf.gz" for name in TRIOS))
    given = parser.parse_args()
    given.data.mkdir(parents=True, exist_ok=True)
    demo = data.demo(given.data, given.records)
    cases = [
        ("demo trio", demo, "GRCh38", "HIGH"),
        ("demo trio", demo, "GRCh38", "MODERATE"),
    ]
    print("| file | pairs from | adds, inside | with, CPU s | without, CPU s | ratio |\n|---|---|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory(dir=given.data) as scratch:
        for name, family, assembly, impact in cases:
            _row(name, family / "FAM0001.vcf.gz", family / "FAM0001.ped", assembly, impact, scratch, given.repeats)
        for name, people in TRIOS.items() if given.corpus else ():
            vcf, ped = given.corpus / f"{name}.vcf.gz", Path(scratch) / f"{name}.ped"
            ped.write_text("".join(f"FAM0001\t{one}\n" for one in people))
            if vcf.is_file():
                _row(name, vcf.resolve(), ped, "GRCh37", "MODERATE", scratch, given.repeats)


def _row(name: str, vcf: Path, ped: Path, assembly: str, impact: str, scratch: str, repeats: int) -> None:
    kinds = ("radiant", "without-inheritance", "share-of-inheritance")
    cpu: dict[str, list[float]] = {kind: [] for kind in kinds}
    shares: list[float] = []
    home = tempfile.mkdtemp(dir=scratch)
    tool = [sys.executable, str(HERE / "contender.py")]
    subprocess.run([*tool, "prepare", str(vcf), str(ped), home, assembly, impact], check=True)  # noqa: S603 - ours
    for _ in range(repeats):
        for kind in kinds:
            done = measure(kind, "", [*tool, kind, home], 1, {**WITHOUT_PANDAS, "RADIANT_VCF__PROCESSES": "1"})
            if done is None:
                sys.exit(1)
            cpu[kind].append(done.cpu_s)
            if kind == "share-of-inheritance":
                spent, whole = map(float, done.printed.split())
                shares.append(spent / (whole - spent))
    whole, without = (min(cpu[kind]) for kind in kinds[:2])
    share = sorted(shares)[len(shares) // 2]
    print(f"| {name} | {impact} | {share:.1%} | {whole:.2f} | {without:.2f} | {whole / without:.2f} |", flush=True)


if __name__ == "__main__":
    main()
