"""Which genotype calls are good enough to judge a family by.

At six reads a heterozygote shows one of its alleles alone once in 32 times, and is called homozygous: 10 % of a true
family's sites were then Mendelian errors, of the sites whose calls pass 0.2 %.
"""

from collections.abc import Sequence

from radiant.domain.trio import MISSING, Calls

MINIMUM_GQ = 20
"""One wrong call in 100, as the caller states it."""

MINIMUM_READS = 7
"""Seven reads of one allele are of a heterozygote with a chance of 2^-7, below 1 %: as good as a homozygote with GQ 20.
Required beside GQ as well. With few reads a heterozygote can reach GQ 20 and a homozygote cannot: by GQ alone a male
would look female."""

MINIMUM_READS_WITHOUT_GQ = 10
"""Ten reads of which one may be misread are of a heterozygote with a chance of 11 x 2^-10, about 1 %. Where there is
GQ, the caller has weighed the misread one."""

MINIMUM_ALLELE_READS = 3
"""Of each allele of the genotype; fewer make a zygosity unknown too."""

RULE = (
    f"GQ {MINIMUM_GQ} and {MINIMUM_READS} reads, {MINIMUM_READS_WITHOUT_GQ} without GQ, {MINIMUM_ALLELE_READS} of each "
    "called allele, where the file states them"
)
"""The rule as text, for messages."""


def passes(calls: Calls, gq: int | None, reads: int | None, of_alleles: Sequence[int | None] | None) -> bool:
    """Return whether a genotype is good enough to judge a family by. What the file does not state is no objection.

    Args:
        calls: The genotype with the line's allele numbers.
        gq: GQ.
        reads: DP, or the sum of AD where there is no DP.
        of_alleles: Reads per allele of the line, reference first.
    """
    if gq is not None and gq < MINIMUM_GQ:
        return False
    if reads is not None and reads < (MINIMUM_READS_WITHOUT_GQ if gq is None else MINIMUM_READS):
        return False
    if of_alleles is None:
        return True
    support = (of_alleles[call] for call in calls if call != MISSING)
    return all(one is None or one >= MINIMUM_ALLELE_READS for one in support)
