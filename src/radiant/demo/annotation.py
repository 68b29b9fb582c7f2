"""VEP's CSQ: one entry for each transcript that an allele lies in or near, with the fields and spellings of VEP.

A gene has 1 to 11 transcripts that begin and end inside it, so that the entries of neighbouring records differ. The
entries of an allele differ too: a missense variant of one transcript is an intron variant of another.
Identifiers are in number ranges that Ensembl, RefSeq, HGNC and dbSNP do not use; consequences agree with the alleles.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from radiant.demo.genes import DemoGene

_FIELDS = (
    "Allele", "Consequence", "IMPACT", "SYMBOL", "Gene", "Feature_type", "Feature", "BIOTYPE", "EXON", "INTRON",
    "HGVSc", "HGVSp", "cDNA_position", "CDS_position", "Protein_position", "Amino_acids", "Codons",
    "Existing_variation", "DISTANCE", "STRAND", "PICK", "HGNC_ID", "CANONICAL", "MANE_SELECT", "SIFT", "PolyPhen",
    "gnomADg_AF", "MAX_AF", "CLIN_SIG", "LoF", "LoF_filter", "LoF_flags", "LoF_info",
)  # fmt: skip


def csq_fields(*, allele_number: bool) -> tuple[str, ...]:
    """Return the fields of an entry; ALLELE_NUM is an option of VEP."""
    return (*_FIELDS, "ALLELE_NUM") if allele_number else _FIELDS


@dataclass(frozen=True, slots=True)
class Effect:
    """The effect of an allele on a protein-coding transcript."""

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
    decay: bool
    """Whether nonsense-mediated decay removes it."""
    exons: int
    strand: str
    names: str
    """HGNC_ID, CANONICAL and MANE_SELECT, ready to be written."""
    picked: bool
    """Whether VEP picks its entry: exactly one transcript of a gene."""
    start: int
    """1-based first base."""
    end: int
    """1-based last base."""


_OTHERS = ("protein_coding", "nonsense_mediated_decay", "retained_intron", "protein_coding_CDS_not_defined", "lncRNA")
_COUNTS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 11)
"""Numbers of transcripts per gene, to draw from."""

NEAR = 5000
"""A variant at most this many bases outside a transcript is upstream or downstream of it, as in VEP."""


def _span(gene: DemoGene, index: int) -> tuple[int, int]:
    """Return the first and the last base of a transcript: the whole gene for the first, a part of it for others."""
    if index == 0:
        return gene.start, gene.end
    mixed = (gene.number * 40_503 + index * 30_011) * 2_654_435_761 & 0xFFFFFFFF
    length = gene.end - gene.start
    return gene.start + length * (mixed >> 24) // 512, gene.end - length * (mixed >> 12 & 0xFF) // 512


@lru_cache(maxsize=4096)
def transcripts(gene: DemoGene) -> tuple[Transcript, ...]:
    """Return the transcripts of a gene, in the order of their entries: 1 to 11, one for a mitochondrial gene.

    The picked one, which is MANE Select in a coding gene, spans the gene; the others begin and end inside it.
    """
    named = gene.number < 1000  # noqa: PLR2004 - made-up genes count from 1000
    count = 1 if gene.contig == "chrM" else _COUNTS[gene.number * 7 % len(_COUNTS)]
    rna = gene.symbol.startswith(("MT-R", "MT-T"))
    main = "Mt_rRNA" if rna else "protein_coding" if named or gene.number % 3 else "lncRNA"
    found: list[Transcript] = []
    for index in range(count):
        biotype = main if index == 0 or main == "lncRNA" else _OTHERS[(gene.number + index) % len(_OTHERS)]
        number = gene.number * 100 + index
        first = index == 0
        coding = biotype in {"protein_coding", "nonsense_mediated_decay"}
        start, end = _span(gene, index)
        mane = f"NM_99{number:07d}.1" if first and coding and gene.contig != "chrM" else ""
        found.append(
            Transcript(
                head=f"{gene.symbol}|ENSG99{gene.number:09d}|Transcript|ENST99{number:09d}|{biotype}",
                feature=f"ENST99{number:09d}.{1 + number % 9}",
                protein=f"ENSP99{number:09d}.{1 + number % 9}",
                coding=coding,
                decay=biotype == "nonsense_mediated_decay",
                exons=1 if gene.contig == "chrM" else 2 + (gene.number * 13 + index * 5) % 60,
                strand=str(gene.strand),
                names=f"{f'HGNC:9{gene.number:06d}' if named else ''}|{'YES' if first else ''}|{mane}",
                picked=first,
                start=start,
                end=end,
            )
        )
    turn = gene.number % count
    return (*found[turn:], *found[:turn])


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
        wanted: The effect that a story requires, None to draw one.
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


class VepAllele(NamedTuple):
    """The common part of an allele's entries; a tuple, because a million of them are made."""

    gene: DemoGene
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
    frequencies: str
    """gnomADg_AF and MAX_AF, ready to be written."""
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


def _dna_change(site: VepAllele, prefix: str, coding: int, offset: int) -> str:
    """Return the change of an HGVS text, from its first position on.

    Args:
        site: The allele.
        prefix: `-` before the first codon, `*` after the last, else empty.
        coding: Coding position of the base, or of the nearest base of an exon.
        offset: Bases into the intron, negative before an exon; 0 in an exon.
    """
    reference, alternate = site.reference, site.alternate
    if site.gene.strand < 0:
        reference, alternate = reference[::-1].translate(_COMPLEMENT), alternate[::-1].translate(_COMPLEMENT)

    def at(bases: int) -> str:
        if offset:
            return f"{prefix}{coding}{offset + bases:+d}"
        return f"{prefix}{coding - bases if prefix == '-' else coding + bases}"

    first = at(0)
    if len(reference) == len(alternate) == 1:
        return f"{first}{reference}>{alternate}"
    anchored = site.reference[0] == site.alternate[0]
    if anchored and len(reference) == 1:
        inserted = alternate[1:] if site.gene.strand > 0 else alternate[:-1]
        return f"{first}_{at(1)}ins{inserted}"
    length = len(reference) - anchored
    span = first if length == 1 else f"{first}_{at(length - 1)}"
    if anchored and len(alternate) == 1:
        return f"{span}del"
    return f"{span}delins{alternate}"


_BASES_PER_CODING_POSITION = 5
"""Of a gene, for each base of its transcript: records that lie `plan.MIN_GAP` apart change different codons."""

_INTRON_LENGTH = 1979


def _coding_position(effect: str, inside: int) -> tuple[str, int, int]:
    """Return prefix, coding position and offset of `_dna_change`, different for every base of a gene's introns."""
    if effect == "intron":
        coding, into = 1 + inside // _INTRON_LENGTH, inside % _INTRON_LENGTH
        # The nearer exon counts; the first 20 bases are for splice regions.
        return ("", coding, 20 + into) if into < _INTRON_LENGTH // 2 else ("", coding + 1, into - _INTRON_LENGTH - 20)
    coding = 1 + inside // _BASES_PER_CODING_POSITION
    if effect == "splice_donor":
        return "", coding, 1
    if effect == "splice_region":
        return "", coding, 3 + inside % _BASES_PER_CODING_POSITION
    if effect == "utr5":
        return "-", coding + 20, 0
    return ("*" if effect == "utr3" else ""), coding, 0


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


def _terms(effect: str, entropy: int) -> str:
    """Return the terms of a protein-coding transcript; near the end of an exon there are two."""
    terms = EFFECTS[effect].terms
    if effect not in {"missense", "synonymous", "stop_gained"} or entropy % 16:
        return terms
    return f"splice_region_variant&{terms}" if effect == "synonymous" else f"{terms}&splice_region_variant"


def _effect_in(site: VepAllele, effect: str, entropy: int) -> tuple[str, str, str]:
    """Return an effect that the gene and the bases allow, and the bases on the gene's strand."""
    gene = site.gene
    if gene.contig == "chrM" and effect in {"intron", "splice_region", "splice_donor", "utr5", "utr3"}:
        effect = effect_of(site.reference, site.alternate, entropy, "synonymous")
    base, new = site.reference, site.alternate
    if gene.strand < 0:
        base, new = base.translate(_COMPLEMENT), new.translate(_COMPLEMENT)
    if effect in {"stop_gained", "synonymous"} and (effect, base, new) not in _CODON_CHANGES:
        effect = "missense"
    return effect, base, new


class _Ready(NamedTuple):
    """The common part of the entries of one effect, ready to be written."""

    exonic: bool
    change: str
    """Of HGVSc, from its first position on."""
    change_of_rna: str
    """The same for a transcript without a protein."""
    terms: str
    impact: str
    terms_of_rna: str
    impact_of_rna: str
    cdna: str
    protein: str
    """HGVSp after the protein's id."""
    positions: str
    """cDNA_position to Codons."""
    scores: str
    """SIFT and PolyPhen."""
    loss: str
    """LoF to LoF_info."""


def _ready(site: VepAllele, effect: str, entropy: int, inside: int) -> _Ready:
    effect, base, new = _effect_in(site, effect, entropy)
    what = EFFECTS[effect]
    prefix, coding, offset = _coding_position(effect, inside)
    acids = codons = before = after = ""
    number = (coding + 2) // 3
    if what.coding:
        in_codon, acids, codons, before, after = _protein_change(effect, base, new, entropy)
        coding = 3 * (number - 1) + in_codon + 1
    change = _dna_change(site, prefix, coding, offset)
    cdna = str(coding + 137) if what.exonic else ""
    return _Ready(
        exonic=what.exonic,
        change=f":c.{change}",
        change_of_rna=f":n.{_dna_change(site, '', coding, offset) if prefix else change}",
        terms=_terms(effect, entropy >> 4),
        impact=what.impact,
        terms_of_rna="non_coding_transcript_exon_variant"
        if what.exonic
        else f"{what.terms}&non_coding_transcript_variant",
        impact_of_rna="MODIFIER" if what.exonic else what.impact,
        cdna=cdna,
        protein=f":p.{before}{number}{after}" if what.coding else "",
        positions=f"{cdna}|{coding}|{number}|{acids}|{codons}" if what.coding else f"{cdna}||||",
        scores=_scores(effect, entropy),
        loss=_loss_of_function(effect, entropy),
    )


def entries(site: VepAllele, effect: str, entropy: int, *, allele_number: bool, planted: bool = False) -> list[str]:
    """Return the CSQ entries of one allele in a gene, one per transcript in or near it, exactly one of them picked.

    Args:
        site: The allele.
        effect: A name of `EFFECTS`.
        entropy: Random bits.
        allele_number: Whether an entry ends with ALLELE_NUM.
        planted: Whether the picked entry must have this effect; else it may be an intron variant, as others may.
    """
    gene, position = site.gene, site.position
    inside = max(0, min(position, gene.end) - gene.start)
    tail = f"{site.frequencies}|{site.significance}"
    last = f"|{site.number}" if allele_number else ""
    given = _ready(site, effect, entropy, inside)
    in_intron: _Ready | None = None
    found: list[str] = []
    for index, transcript in enumerate(transcripts(gene)):
        pick = "1" if transcript.picked else ""
        start, end = transcript.start, transcript.end
        if not pick and not start <= position <= end:
            distance = start - position if position < start else position - end
            if distance <= NEAR:
                stream = "upstream" if (position < start) == (gene.strand > 0) else "downstream"
                found.append(
                    f"{site.allele}|{stream}_gene_variant|MODIFIER|{transcript.head}||||||||||{site.existing}|"
                    f"{distance}|{transcript.strand}||{transcript.names}|||{tail}||||{last}"
                )
            continue
        here = given
        if given.exonic and not (pick and planted) and transcript.exons > 1 and not entropy >> (9 + index) & 7:
            if in_intron is None:
                in_intron = _ready(site, "intron", entropy, inside)
            here = in_intron
        rank = min(transcript.exons, 1 + max(0, position - start) * transcript.exons // (end - start + 2))
        rank_text = (
            f"{rank}/{transcript.exons}|"
            if here.exonic
            else f"|{min(rank, transcript.exons - 1)}/{transcript.exons - 1}"
        )
        if not transcript.coding:
            found.append(
                f"{site.allele}|{here.terms_of_rna}|{here.impact_of_rna}|{transcript.head}|{rank_text}|"
                f"{transcript.feature}{here.change_of_rna}||{here.cdna}|||||{site.existing}||{transcript.strand}|"
                f"{pick}|{transcript.names}|||{tail}||||{last}"
            )
            continue
        terms = f"{here.terms}&NMD_transcript_variant" if transcript.decay else here.terms
        protein = f"{transcript.protein}{here.protein}" if here.protein else ""
        found.append(
            f"{site.allele}|{terms}|{here.impact}|{transcript.head}|{rank_text}|{transcript.feature}{here.change}|"
            f"{protein}|{here.positions}|{site.existing}||{transcript.strand}|{pick}|{transcript.names}|{here.scores}|"
            f"{tail}|{here.loss}{last}"
        )
    return found


def intergenic(allele: str, number: int, existing: str, frequencies: str, *, allele_number: bool) -> str:
    """Return the only CSQ entry of an allele between genes; `frequencies` as in `VepAllele`."""
    last = f"|{number}" if allele_number else ""
    return f"{allele}|intergenic_variant|MODIFIER{'|' * 15}{existing}|||1{'|' * 6}{frequencies}{'|' * 5}{last}"
