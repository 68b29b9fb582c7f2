"""VEP's CSQ: several transcripts per allele, with the fields and spellings that VEP writes.

Identifiers are made up in number ranges that Ensembl, RefSeq, HGNC and dbSNP do not use; consequences agree with the
kind of allele, codons with its bases.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from radiant.demo.genes import Gene

_FIELDS = (
    "Allele", "Consequence", "IMPACT", "SYMBOL", "Gene", "Feature_type", "Feature", "BIOTYPE", "EXON", "INTRON",
    "HGVSc", "HGVSp", "cDNA_position", "CDS_position", "Protein_position", "Amino_acids", "Codons",
    "Existing_variation", "DISTANCE", "STRAND", "PICK", "HGNC_ID", "CANONICAL", "MANE_SELECT", "SIFT", "PolyPhen",
    "gnomADg_AF", "CLIN_SIG", "LoF", "LoF_filter", "LoF_flags", "LoF_info",
)  # fmt: skip


def csq_fields(*, allele_number: bool) -> tuple[str, ...]:
    """Return the fields of an entry; some laboratories ask VEP for ALLELE_NUM, some do not."""
    return (*_FIELDS, "ALLELE_NUM") if allele_number else _FIELDS


@dataclass(frozen=True, slots=True)
class Effect:
    """What an allele does to a protein-coding transcript."""

    terms: str
    """Sequence Ontology terms."""
    impact: str
    exonic: bool
    coding: bool


EFFECTS: dict[str, Effect] = {
    "missense": Effect("missense_variant", "MODERATE", exonic=True, coding=True),
    "synonymous": Effect("synonymous_variant", "LOW", exonic=True, coding=True),
    "stop_gained": Effect("stop_gained", "HIGH", exonic=True, coding=True),
    "indel": Effect("frameshift_variant", "HIGH", exonic=True, coding=True),
    "inframe_insertion": Effect("inframe_insertion", "MODERATE", exonic=True, coding=True),
    "inframe_deletion": Effect("inframe_deletion", "MODERATE", exonic=True, coding=True),
    "protein_altering": Effect("protein_altering_variant", "MODERATE", exonic=True, coding=True),
    "splice_donor": Effect("splice_donor_variant", "HIGH", exonic=False, coding=False),
    "splice_region": Effect("splice_region_variant&intron_variant", "LOW", exonic=False, coding=False),
    "intron": Effect("intron_variant", "MODIFIER", exonic=False, coding=False),
    "utr5": Effect("5_prime_UTR_variant", "MODIFIER", exonic=True, coding=False),
    "utr3": Effect("3_prime_UTR_variant", "MODIFIER", exonic=True, coding=False),
}
"""By name. `indel` becomes frameshift or in frame by the allele's length."""

_DRAW = (
    ["missense"] * 9 + ["synonymous"] * 8 + ["utr3"] * 7 + ["utr5"] * 2 + ["splice_region"] * 3 + ["intron"] * 70
    + ["stop_gained", "splice_donor"]
)  # fmt: skip

_AMINO = "KNKNTTTTRSRSIIMIQHQHPPPPRRRRLLLLEDEDAAAAGGGGVVVV*Y*YSSSS*CWCLFLF"
_THREE = {
    "A": "Ala", "C": "Cys", "D": "Asp", "E": "Glu", "F": "Phe", "G": "Gly", "H": "His", "I": "Ile", "K": "Lys",
    "L": "Leu", "M": "Met", "N": "Asn", "P": "Pro", "Q": "Gln", "R": "Arg", "S": "Ser", "T": "Thr", "V": "Val",
    "W": "Trp", "Y": "Tyr", "*": "Ter",
}  # fmt: skip
_COMPLEMENT = str.maketrans("ACGT", "TGCA")


def _codon_changes() -> dict[tuple[str, str, str], list[tuple[int, str, str, str]]]:
    """Return (effect, base, new base) -> (position in codon, amino acids, codons, p. change)."""
    codons = [a + b + c for a in "ACGT" for b in "ACGT" for c in "ACGT"]
    amino = dict(zip(codons, _AMINO, strict=True))
    changes: dict[tuple[str, str, str], list[tuple[int, str, str, str]]] = {}
    for codon in codons:
        for position, base in enumerate(codon):
            for new in "ACGT".replace(base, ""):
                altered = codon[:position] + new + codon[position + 1 :]
                before, after = amino[codon], amino[altered]
                if before == "*":
                    continue
                effect = "synonymous" if before == after else "stop_gained" if after == "*" else "missense"
                shown = "/".join(
                    word[:position].lower() + word[position] + word[position + 1 :].lower() for word in (codon, altered)
                )
                acids = before if before == after else f"{before}/{after}"
                changes.setdefault((effect, base, new), []).append((position, acids, shown, before + after))
    return changes


_CODON_CHANGES = _codon_changes()


@dataclass(frozen=True, slots=True)
class Transcript:
    """One made-up transcript of a gene."""

    head: str
    """SYMBOL to BIOTYPE, ready to be written."""
    feature: str
    """Transcript id with version."""
    protein: str
    """Protein id with version."""
    coding: bool
    biotype: str
    exons: int
    strand: str
    names: str
    """HGNC_ID, CANONICAL and MANE_SELECT, ready to be written."""
    upstream: bool
    """Whether variants in the gene lie upstream of this transcript."""


_OTHERS = ("protein_coding", "nonsense_mediated_decay", "retained_intron", "protein_coding_CDS_not_defined", "lncRNA")


@lru_cache(maxsize=4096)
def transcripts(gene: Gene) -> tuple[Transcript, ...]:
    """Return the transcripts of a gene, the MANE Select one first: 2 to 6, one for a mitochondrial gene."""
    named = gene.number < 1000  # noqa: PLR2004 - made-up genes count from 1000
    count = 1 if gene.contig == "chrM" else 2 + gene.number * 7 % 5
    rna = gene.symbol.startswith(("MT-R", "MT-T"))
    main = "Mt_rRNA" if rna else "protein_coding" if named or gene.number % 3 else "lncRNA"
    found: list[Transcript] = []
    for index in range(count):
        biotype = main if index == 0 or main == "lncRNA" else _OTHERS[(gene.number + index) % len(_OTHERS)]
        number = gene.number * 10 + index
        first = index == 0
        coding = biotype in {"protein_coding", "nonsense_mediated_decay"}
        mane = f"NM_99{number:07d}.1" if first and coding and gene.contig != "chrM" else ""
        found.append(
            Transcript(
                head=f"{gene.symbol}|ENSG99{gene.number:09d}|Transcript|ENST99{number:09d}|{biotype}",
                feature=f"ENST99{number:09d}.{1 + number % 9}",
                protein=f"ENSP99{number:09d}.{1 + number % 9}",
                coding=coding,
                biotype=biotype,
                exons=1 if gene.contig == "chrM" else 2 + (gene.number * 13 + index * 5) % 60,
                strand=str(gene.strand),
                names=f"{f'HGNC:9{gene.number:06d}' if named else ''}|{'YES' if first else ''}|{mane}",
                upstream=index == count - 1 and count > 2,  # noqa: PLR2004 - the last of three or more
            )
        )
    return tuple(found)


def vep_alleles(reference: str, alternates: tuple[str, ...]) -> list[str]:
    """Return the alleles as VEP spells them: without the first base if all share it, `-` for nothing left.

    Source: Ensembl VEP, `Bio::EnsEMBL::VEP::Parser::VCF`; `*` does not count when the first bases are compared.
    """
    if len(reference) == len(alternates[0]) == len(alternates) == 1:
        return list(alternates)
    bases = [allele for allele in (reference, *alternates) if allele != "*"]
    indel = any(len(allele) != len(reference) for allele in bases)
    if indel and len({allele[0] for allele in bases}) == 1:
        return [allele if allele == "*" else allele[1:] or "-" for allele in alternates]
    return list(alternates)


def effect_of(reference: str, alternate: str, entropy: int, wanted: str | None) -> str:
    """Return the name of an effect that an allele can have.

    Args:
        reference: REF in shortest form.
        alternate: ALT in shortest form.
        entropy: Random bits.
        wanted: What a story asks for, None to draw.
    """
    effect = wanted or _DRAW[entropy % len(_DRAW)]
    change = len(alternate) - len(reference)
    if effect in {"missense", "synonymous", "stop_gained", "indel"} and (change or len(reference) > 1):
        if change % 3:
            return "indel"
        return "protein_altering" if not change else "inframe_insertion" if change > 0 else "inframe_deletion"
    if effect == "indel":
        return "missense"
    return effect


class Site(NamedTuple):
    """What all entries of an allele share; a tuple, because a million of them are made."""

    gene: Gene
    position: int
    """1-based, of the allele in shortest form."""
    reference: str
    alternate: str
    allele: str
    """As VEP spells it."""
    number: int
    """ALLELE_NUM."""
    existing: str
    """Existing_variation."""
    frequency: str
    """gnomADg_AF."""
    significance: str
    """CLIN_SIG."""


def _protein_change(effect: str, reference: str, alternate: str, entropy: int) -> tuple[int, str, str, str, str]:
    """Return position in codon, Amino_acids, Codons and the parts of the p. change before and after its number."""
    changes = _CODON_CHANGES.get((effect, reference, alternate))
    if changes:
        position, acids, codons, pair = changes[(entropy >> 3) % len(changes)]
        after = "%3D" if pair[0] == pair[1] else _THREE[pair[1]]
        return position, acids, codons, _THREE[pair[0]], after
    if effect == "indel":
        return entropy % 3, "L/X", "ctG/ct", "Leu", f"CysfsTer{2 + entropy % 40}"
    if effect == "inframe_deletion":
        return 0, "LE/L", "ctGGAg/ctg", "Glu", "del"
    if effect == "inframe_insertion":
        return 0, "L/LE", "ctg/ctGGAg", "Leu", "dup"
    return 0, "LE/LQ", "ctGGag/ctCAag", "Glu", "Gln"


def _dna_change(site: Site, place: int, offset: str) -> str:
    reference, alternate = site.reference, site.alternate
    if site.gene.strand < 0:
        reference, alternate = reference[::-1].translate(_COMPLEMENT), alternate[::-1].translate(_COMPLEMENT)
    if len(reference) == len(alternate) == 1:
        return f"c.{place}{offset}{reference}>{alternate}"
    anchored = site.reference[0] == site.alternate[0]
    if anchored and len(reference) == 1:
        inserted = alternate[1:] if site.gene.strand > 0 else alternate[:-1]
        return f"c.{place}{offset}_{place + 1}{offset}ins{inserted}"
    length = len(reference) - anchored
    span = f"{place}{offset}" if length == 1 else f"{place}{offset}_{place + length - 1}{offset}"
    if anchored and len(alternate) == 1:
        return f"c.{span}del"
    return f"c.{span}delins{alternate}"


def _scores(effect: str, entropy: int) -> str:
    """Return SIFT and PolyPhen."""
    if effect != "missense":
        return "|"
    value = entropy % 101
    sift = f"{'deleterious' if value <= 5 else 'tolerated'}({value / 100:g})"  # noqa: PLR2004 - SIFT's own threshold
    harm = (entropy >> 7) % 1000
    name = "benign" if harm < 446 else "possibly_damaging" if harm < 909 else "probably_damaging"  # noqa: PLR2004 - PolyPhen's own thresholds
    return f"{sift}|{name}({harm / 1000:g})"


def _loss_of_function(effect: str, entropy: int) -> str:
    """Return LoF, LoF_filter, LoF_flags and LoF_info as LOFTEE fills them (its commas become `&` in VEP)."""
    if effect not in {"stop_gained", "indel", "splice_donor"}:
        return "|||"
    percentile = (entropy % 997) / 997
    info = f"PERCENTILE:{percentile:.4f}&GERP_DIST:{percentile * 900 - 200:.2f}&BP_DIST:{entropy % 2000}"
    if percentile > 0.95:  # noqa: PLR2004 - LOFTEE calls the last twentieth END_TRUNC
        return f"LC|END_TRUNC||{info}"
    return f"HC||{'SINGLE_EXON' if entropy % 11 == 0 else ''}|{info}"


def entries(site: Site, effect: str, entropy: int, *, allele_number: bool) -> list[str]:
    """Return the CSQ entries of one allele in a gene, one per transcript, exactly one of them picked."""
    gene = site.gene
    inside = max(0, min(site.position, gene.end) - gene.start)
    tail = f"|{site.number}" if allele_number else ""
    if gene.contig == "chrM" and effect in {"intron", "splice_region", "splice_donor", "utr5", "utr3"}:
        effect = effect_of(site.reference, site.alternate, entropy, "synonymous")
    base, new = site.reference, site.alternate
    if gene.strand < 0:
        base, new = base.translate(_COMPLEMENT), new.translate(_COMPLEMENT)
    if effect in {"stop_gained", "synonymous"} and (effect, base, new) not in _CODON_CHANGES:
        effect = "missense"
    what = EFFECTS[effect]
    coding_place = 1 + inside % 2997
    protein_place = (coding_place + 2) // 3
    acids = codons = before = after = ""
    if what.coding:
        in_codon, acids, codons, before, after = _protein_change(effect, base, new, entropy)
        coding_place = 3 * (protein_place - 1) + in_codon + 1
    offset = (
        ""
        if what.exonic
        else "+1"
        if effect == "splice_donor"
        else f"+{3 + inside % 5}"
        if effect == "splice_region"
        else f"+{20 + inside % 1979}"
    )
    change = _dna_change(site, coding_place, offset)
    scores, loss = _scores(effect, entropy), _loss_of_function(effect, entropy)
    known = f"{site.frequency}|{site.significance}"
    found: list[str] = []
    for index, transcript in enumerate(transcripts(gene)):
        pick = "1" if index == 0 else ""
        rank = 1 + inside * transcript.exons // (gene.end - gene.start + 2)
        if transcript.upstream:
            found.append(
                f"{site.allele}|upstream_gene_variant|MODIFIER|{transcript.head}||||||||||{site.existing}|"
                f"{1 + inside % 4999}|{transcript.strand}|{pick}|{transcript.names}|||{known}||||{tail}"
            )
            continue
        place = (
            f"{rank}/{transcript.exons}|"
            if what.exonic
            else f"|{min(rank, transcript.exons - 1)}/{transcript.exons - 1}"
        )
        if not transcript.coding:
            terms = (
                "non_coding_transcript_exon_variant" if what.exonic else f"{what.terms}&non_coding_transcript_variant"
            )
            impact = "HIGH" if effect == "splice_donor" else "LOW" if effect == "splice_region" else "MODIFIER"
            cdna = str(coding_place + 40) if what.exonic else ""
            found.append(
                f"{site.allele}|{terms}|{impact}|{transcript.head}|{place}|{transcript.feature}:n{change[1:]}||{cdna}|||||"
                f"{site.existing}||{transcript.strand}|{pick}|{transcript.names}|||{known}||||{tail}"
            )
            continue
        decay = transcript.biotype == "nonsense_mediated_decay"
        terms = f"{what.terms}&NMD_transcript_variant" if decay else what.terms
        if what.coding:
            protein = f"{transcript.protein}:p.{before}{protein_place}{after}"
            places = f"{coding_place + 137}|{coding_place}|{protein_place}|{acids}|{codons}"
        else:
            protein = ""
            places = f"{coding_place + 137}||||" if what.exonic else "||||"
        found.append(
            f"{site.allele}|{terms}|{what.impact}|{transcript.head}|{place}|{transcript.feature}:{change}|{protein}|{places}|"
            f"{site.existing}||{transcript.strand}|{pick}|{transcript.names}|{scores}|{known}|{loss}{tail}"
        )
    return found


def intergenic(allele: str, number: int, existing: str, frequency: str, *, allele_number: bool) -> str:
    """Return the only CSQ entry of an allele between genes."""
    tail = f"|{number}" if allele_number else ""
    return f"{allele}|intergenic_variant|MODIFIER{'|' * 15}{existing}|||1{'|' * 6}{frequency}{'|' * 5}{tail}"
