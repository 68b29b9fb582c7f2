"""A trio with few reads: true genotypes, reads drawn from them, and the genotypes that a caller infers."""

import math
import random
from dataclasses import dataclass

from vcf_files import COLUMNS, record

HEADER = """##fileformat=VCFv4.2
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
##FORMAT=<ID=AD,Number=R,Type=Integer,Description="Depths">
##FORMAT=<ID=AO,Number=A,Type=Integer,Description="Alternate observations">
##FORMAT=<ID=RO,Number=1,Type=Integer,Description="Reference observations">
##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Depth">
##FORMAT=<ID=GQ,Number=1,Type=Integer,Description="Quality">
"""
_MISREAD = 0.005


@dataclass(frozen=True)
class LowDepth:
    """The parameters of a simulation."""

    mean_reads: float
    sites: int = 4000
    """Half of them on chr1, a quarter each on chr16 and chrX."""
    maternal_16: bool = False
    """The child has both copies of chr16 from the mother, at most of it the same one twice."""
    stranger: str | None = None
    """`dad` or `mum` is another person."""
    seed: int = 1


def trio_text(what: LowDepth, format_: str = "GT:AD:DP:GQ") -> str:
    """Return the VCF of `kid` (a son), `dad` and `mum`; lines without a call of the ALT are left out."""
    draw = random.Random(what.seed)  # noqa: S311 - a simulation
    lines: list[str] = []
    places = [("chr1", what.sites // 2), ("chr16", what.sites // 4), ("chrX", what.sites // 4)]
    for chromosome, count in places:
        for number in range(count):
            people = _genotypes(draw, chromosome, what)
            called = [_call(draw, copies, what.mean_reads) for copies in people]
            if any("1" in one["GT"] for one in called):
                samples = (":".join(one[key] for key in format_.split(":")) for one in called)
                lines.append(record(*samples, chrom=chromosome, pos=5_000_000 + 100 * number, format_=format_))
    return HEADER + "\n".join([f"{COLUMNS}\tFORMAT\tkid\tdad\tmum", *lines]) + "\n"


def _genotypes(draw: random.Random, chromosome: str, what: LowDepth) -> list[tuple[int, ...]]:
    frequency = draw.betavariate(0.4, 0.8)

    def person(copies: int) -> tuple[int, ...]:
        return tuple(int(draw.random() < frequency) for _ in range(copies))

    dad, mum = person(1 if chromosome == "chrX" else 2), person(2)
    if chromosome == "chrX":
        kid: tuple[int, ...] = (draw.choice(mum),)
    elif chromosome == "chr16" and what.maternal_16:
        kid = mum if draw.random() < 0.3 else (draw.choice(mum),) * 2
    else:
        kid = (draw.choice(dad), draw.choice(mum))
    if what.stranger == "dad":
        dad = person(len(dad))
    elif what.stranger == "mum":
        mum = person(2)
    return [kid, dad, mum]


def _call(draw: random.Random, copies: tuple[int, ...], mean: float) -> dict[str, str]:
    """Call the likeliest of the three genotypes of some reads."""
    reads, limit, product = -1, math.exp(-mean * len(copies) / 2), 1.0
    while product > limit or reads < 0:  # Knuth's Poisson
        reads, product = reads + 1, product * draw.random()
    alts = sum((draw.choice(copies) == 1) != (draw.random() < _MISREAD) for _ in range(reads))
    if not reads:
        return {"GT": "./.", "AD": "0,0", "DP": "0", "GQ": ".", "RO": "0", "AO": "0"}
    chances = (_MISREAD, 0.5, 1 - _MISREAD)
    phred = [-10 * (alts * math.log10(one) + (reads - alts) * math.log10(1 - one)) for one in chances]
    best, second = sorted(phred)[:2]
    return {
        "GT": ("0/0", "0/1", "1/1")[phred.index(best)],
        "AD": f"{reads - alts},{alts}",
        "DP": str(reads),
        "GQ": str(min(99, round(second - best))),
        "RO": str(reads - alts),
        "AO": str(alts),
    }
