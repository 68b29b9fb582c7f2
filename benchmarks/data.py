"""The input files of the benchmark; each is made once and kept in its folder."""

import gzip
import itertools
import operator
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import odd_lines
import pysam
import varied as varied_text

from radiant.demo.bgzf_writer import BgzfWriter

_CONTIG = "##fileformat=VCFv4.2\n##contig=<ID=chr1,length=248956422>\n"
_FORMAT = """\
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
##FORMAT=<ID=AD,Number=R,Type=Integer,Description="Allelic depths">
##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Depth">
##FORMAT=<ID=GQ,Number=1,Type=Integer,Description="Quality">
"""
_COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT"


def demo(folder: Path, records: int) -> Path:
    """Return the folder of an annotated demo trio with this many records."""
    family = folder / f"demo-{records}" / "FAM0001"
    if not (family / "FAM0001.ped").is_file():
        subprocess.run(  # noqa: S603 - ours
            [Path(sys.executable).with_name("radiant"), "demo", "make", family.parent, "--records", str(records),
             "--families", "1", "--seed", "1"], check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
    return family


def gvcf(folder: Path, lines: int) -> Path:
    """Return the folder of a gVCF of one sample: 99 % reference blocks."""
    header = _CONTIG + _FORMAT + '##INFO=<ID=END,Number=1,Type=Integer,Description="End of the block">\n'
    rows = (
        f"chr1\t{100 * at + 1}\t.\tA\tG,<NON_REF>\t50\t.\t.\tGT:AD:DP:GQ\t0/1:15,15,0:30:99\n"
        if at % 100 == 0
        else f"chr1\t{100 * at + 1}\t.\tA\t<NON_REF>\t.\t.\tEND={100 * at + 100}\tGT:DP:GQ\t0/0:{at % 40}:{at % 99}\n"
        for at in range(lines)
    )
    return _file(folder / f"gvcf-{lines}", header, ["kid"], rows, members=1)


def cohort(folder: Path, lines: int, samples: int, members: int) -> Path:
    """Return the folder of a cohort's file of GT:AD:DP:GQ, with a pedigree of its first `members` samples."""
    names = [f"S{at:04d}" for at in range(samples)]
    pick = random.Random(1)  # noqa: S311 - a benchmark
    calls = pick.choices(
        ("0/0:30,0:30:90", "0/1:15,14:29:99", "1/1:0,31:31:93", "./.:.:.:."), (80, 15, 4, 1), k=999_983
    )
    calls += calls[:samples]
    rows = (
        f"chr1\t{30 * at + 1}\trs{at}\tA\tG\t50\tPASS\t.\tGT:AD:DP:GQ\t{chr(9).join(calls[first : first + samples])}\n"
        for at, first in ((at, at * 7919 % 999_983) for at in range(lines))
    )
    return _file(folder / f"cohort-{lines}-{samples}", _CONTIG + _FORMAT, names, rows, members=members)


def varied(folder: Path, kind: str, records: int, odd: str | None = None) -> Path:
    """Return the folder of a trio with varied annotation, see `varied.py`; with odd lines, see `odd_lines.py`."""
    place = folder / (f"{kind}-{records}" if odd is None else f"{kind}-odd-{odd.replace(' ', '-')}-{records}")
    rows = varied_text.rows(kind, records)
    if odd is not None:
        rows = odd_lines.odd(rows, odd)
    return _trio(place, varied_text.header() + odd_lines.HEADER, rows)


def _trio(place: Path, header: str, rows: Iterator[str]) -> Path:
    family = _file(place, header, ["child", "mother", "father"], rows, members=3)
    people = (("child", "father", "mother", 1, 2), ("mother", 0, 0, 2, 1), ("father", 0, 0, 1, 1))
    (family / "FAM0001.ped").write_text("".join("FAM0001\t" + "\t".join(map(str, one)) + "\n" for one in people))
    return family


def with_reference(folder: Path, records: int) -> tuple[Path, Path]:
    """Return the folder of a genome's trio and a FASTA that agrees with it, apart from records that overlap.

    Bases between the records are random, so about a quarter of the insertions and deletions are not at their leftmost
    place.
    """
    place = folder / f"genome-reference-{records}"
    family, fasta = _trio(place, varied_text.header(), _apart(varied_text.rows("genome", records))), place / "a.fa"
    if not fasta.with_suffix(".fa.fai").is_file():
        with fasta.open("wb") as out:
            for contig, bases in _bases(family / "FAM0001.vcf.gz"):
                out.write(b">" + contig.encode() + b"\n" + bases + b"\n")
        pysam.faidx(str(fasta))
    return family, fasta


def _apart(rows: Iterator[str]) -> Iterator[str]:
    """Leave out lines that begin on REF of the line before."""
    last = ("", 0)
    for row in rows:
        contig, pos, _, ref, _ = row.split("\t", 4)
        if contig == last[0] and int(pos) <= last[1]:
            continue
        last = (contig, int(pos) + len(ref) - 1)
        yield row


def _bases(vcf: Path) -> Iterator[tuple[str, bytes]]:
    """Yield each contig of a file and bases in which every REF is at its place."""
    pick = random.Random(1)  # noqa: S311 - a benchmark
    to_base = bytes(b"ACGT"[byte % 4] for byte in range(256))
    with gzip.open(vcf, "rt") as file:
        rows = (row.split("\t", 4) for row in file if not row.startswith("#"))
        for contig, group in itertools.groupby(rows, operator.itemgetter(0)):
            refs = [(int(pos) - 1, ref.encode()) for _, pos, _, ref, _ in group]
            bases = bytearray(pick.randbytes(refs[-1][0] + 1000).translate(to_base))
            for at, ref in refs:
                bases[at : at + len(ref)] = ref
            yield contig, bytes(bases)


def long_lines(folder: Path, lines: int, long: int) -> Path:
    """Return the folder of a file of 100 samples and 200 CSQ fields, with `long` lines of 5 MB."""
    fields = [*["Allele", "Consequence", "IMPACT", "SYMBOL", "Gene", "Feature"], *(f"F{at}" for at in range(194))]
    header = f'{_CONTIG}{_FORMAT}##INFO=<ID=CSQ,Number=.,Type=String,Description="Format: {"|".join(fields)}">\n'

    def entry(at: int) -> str:
        rest = "|".join(f"{at % 1000 + field}.25" if field % 3 else "" for field in range(194))
        return f"G|missense_variant|MODERATE|GENE{at}|ENSG{at:011d}|ENST{at:011d}|{rest}"

    def rows() -> Iterator[str]:
        calls = "\t".join("0/1:15,14:29:99" if at % 7 == 0 else "0/0:30,0:30:90" for at in range(100))
        size = len(entry(0)) + 1
        for at in range(lines):
            count = 5_000_000 // size if at % max(1, lines // long) == 0 else 4
            csq = ",".join(entry(at + one) for one in range(count))
            yield f"chr1\t{1000 * at + 1}\t.\tA\tG\t50\tPASS\tCSQ={csq}\tGT:AD:DP:GQ\t{calls}\n"

    names = [f"S{at:03d}" for at in range(100)]
    return _file(folder / f"long-{lines}-{long}", header, names, rows(), members=100)


def _file(folder: Path, header: str, samples: list[str], rows: Iterator[str], *, members: int) -> Path:
    vcf = folder / "FAM0001.vcf.gz"
    folder.mkdir(parents=True, exist_ok=True)
    if not vcf.is_file():
        hidden = folder / "part"
        with hidden.open("wb") as raw, BgzfWriter(raw) as out:
            out.write((header + "\t".join((_COLUMNS, *samples)) + "\n").encode())
            for row in rows:
                out.write(row.encode())
        hidden.rename(vcf)
    ped = "".join(f"FAM0001\t{name}\t0\t0\t0\t{0 if at else 2}\n" for at, name in enumerate(samples[:members]))
    (folder / "FAM0001.ped").write_text(ped)
    return folder
