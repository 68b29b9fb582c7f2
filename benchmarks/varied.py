"""Files with text as varied as real annotation, made by a seed: a genome's, an exome's, a joint caller's.

The demo's text repeats more than a genome's, so a method that is fast on it may be slow on a patient's file. A third of
a genome's records lie between genes and have one entry; the others lie in genes of 20 to 140 neighbouring records with
1 to 20 transcripts, which begin and end inside the gene. HGVS texts of introns, rs numbers and frequencies are unique
to their record. An exome's records are coding, with many transcripts, SIFT and PolyPhen on missense only. A joint
caller's file (GLnexus) has half calls and the reason for each missing call (RNC).
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

FIELDS = [
    "Allele",
    "Consequence",
    "IMPACT",
    "SYMBOL",
    "Gene",
    "Feature_type",
    "Feature",
    "BIOTYPE",
    "EXON",
    "INTRON",
    "HGVSc",
    "HGVSp",
    "cDNA_position",
    "CDS_position",
    "Protein_position",
    "Amino_acids",
    "Codons",
    "Existing_variation",
    "DISTANCE",
    "STRAND",
    "FLAGS",
    "VARIANT_CLASS",
    "SYMBOL_SOURCE",
    "HGNC_ID",
    "CANONICAL",
    "MANE_SELECT",
    "TSL",
    "APPRIS",
    "SIFT",
    "PolyPhen",
    "AF",
    "gnomADe_AF",
    "gnomADg_AF",
    "MAX_AF",
    "CLIN_SIG",
    "PICK",
]
CONTIGS = {"chr1": 248956422, "chr2": 242193529, "chr7": 159345973, "chr17": 83257441, "chr22": 50818468}
_FLOATS = ["BaseQRankSum", "ExcessHet", "FS", "MQ", "MQRankSum", "QD", "ReadPosRankSum", "SOR"]
_FILTERED = "VQSRTrancheSNP99.90to100.00"
_INTRON = ("intron_variant", "MODIFIER")
_CODING = (
    ("missense_variant", "MODERATE", 50),
    ("synonymous_variant", "LOW", 42),
    ("stop_gained", "HIGH", 1),
    ("missense_variant&splice_region_variant", "MODERATE", 2),
    ("splice_region_variant&synonymous_variant", "LOW", 2),
    ("inframe_deletion", "MODERATE", 3),
)
_OTHER = (
    ("upstream_gene_variant", "MODIFIER", 35),
    ("downstream_gene_variant", "MODIFIER", 35),
    ("3_prime_UTR_variant", "MODIFIER", 12),
    ("5_prime_UTR_variant", "MODIFIER", 4),
    ("non_coding_transcript_exon_variant", "MODIFIER", 10),
    ("splice_region_variant&intron_variant", "LOW", 4),
)
_AMINO = [
    "Ala",
    "Arg",
    "Asn",
    "Asp",
    "Cys",
    "Gln",
    "Glu",
    "Gly",
    "His",
    "Ile",
    "Leu",
    "Lys",
    "Met",
    "Phe",
    "Pro",
    "Ser",
    "Thr",
    "Trp",
    "Tyr",
    "Val",
]
_CALLS = ("0/1", "0/0", "1/1")
_REASONS = (".", "-", "I", "L", "P", "O", "D", "M")
"""GLnexus's codes of the reason for a missing call."""


@dataclass(frozen=True)
class Kind:
    """The properties of a file."""

    between: float
    """Share of the records between genes."""
    coding: float
    """Share of a transcript's records that change its coding sequence."""
    intron: float
    """Share that lie in its introns."""
    transcripts: float
    """Median number of transcripts per gene (1 to 20)."""
    step: int
    """Mean bases between two records."""
    joint: bool = False
    """FORMAT of a joint caller, with half calls."""


KINDS = {
    "genome": Kind(between=1 / 3, coding=0.015, intron=0.85, transcripts=12.0, step=600),
    "exome": Kind(between=0.0, coding=0.75, intron=0.15, transcripts=20.0, step=900),
    "joint": Kind(between=1 / 3, coding=0.02, intron=0.85, transcripts=12.0, step=600, joint=True),
}


@dataclass(frozen=True)
class Transcript:
    """One transcript of a gene, and the records that it covers."""

    texts: tuple[str, ...]
    """Feature, BIOTYPE, CANONICAL, MANE_SELECT, TSL, APPRIS."""
    exons: int
    first: int
    end: int


@dataclass
class Gene:
    """Neighbouring records of one gene."""

    symbol: str
    id: str
    hgnc: str
    strand: str
    records: int
    transcripts: list[Transcript]
    at: int = 0


def header() -> str:
    """Return the header's lines except the column names."""
    lines = ["##fileformat=VCFv4.2", "##source=varied", '##VEP="v110" assembly="GRCh38"']
    lines += [f"##contig=<ID={name},length={length}>" for name, length in CONTIGS.items()]
    lines.append(f'##FILTER=<ID={_FILTERED},Description="Truth sensitivity tranche of the recalibration">')
    info = [("AC", "A", "Integer"), ("AF", "A", "Float"), ("AN", "1", "Integer"), ("DP", "1", "Integer")]
    info += [(name, "1", "Float") for name in _FLOATS]
    lines += [f'##INFO=<ID={name},Number={n},Type={type_},Description="{name}">' for name, n, type_ in info]
    lines.append(
        '##INFO=<ID=CSQ,Number=.,Type=String,Description="Consequence annotations from Ensembl VEP. Format: '
        + "|".join(FIELDS)
        + '">'
    )
    keys = [("GT", "1", "String"), ("AD", "R", "Integer"), ("DP", "1", "Integer"), ("GQ", "1", "Integer")]
    keys += [("PL", "G", "Integer"), ("RNC", "2", "Character")]
    lines += [f'##FORMAT=<ID={name},Number={n},Type={type_},Description="{name}">' for name, n, type_ in keys]
    return "\n".join(lines) + "\n"


def rows(name: str, records: int, seed: int = 1) -> Iterator[str]:
    """Yield the lines of a file of one of `KINDS`: three samples, child, mother and father."""
    pick, kind = random.Random(seed), KINDS[name]  # noqa: S311 - a benchmark
    call = _joint_call if kind.joint else _gatk_call
    lengths = list(CONTIGS.items())
    total = sum(CONTIGS.values())
    left = records
    for contig, length in lengths:
        count = round(records * length / total) if contig != lengths[-1][0] else left
        left -= count
        position = 10_000
        gene: Gene | None = None
        between = 0
        for _ in range(count):
            position += 1 + int(pick.expovariate(1 / kind.step))
            if gene is None and between <= 0:
                gene = _gene(pick, kind)
            yield _line(pick, kind, call, contig, position, gene)
            if gene is None:
                between -= 1
                continue
            gene.at += 1
            if gene.at == gene.records:
                between = round(gene.records * kind.between / (1 - kind.between))
                gene = None


def _gene(pick: random.Random, kind: Kind) -> Gene:
    records = pick.randint(20, 140)
    number = pick.randrange(60_000)
    transcripts: list[Transcript] = []
    for at in range(min(20, max(1, round(pick.expovariate(1 / kind.transcripts))))):
        first = 0 if at == 0 else pick.randrange(records // 2)
        end = records if at == 0 else pick.randint(records // 2, records)
        feature = f"ENST{pick.randrange(10**11):011d}.{pick.randint(1, 9)}"
        biotype = pick.choices(("protein_coding", "retained_intron", "lncRNA", "nonsense_mediated_decay"), (7, 2, 2, 1))
        mane = f"NM_{pick.randrange(10**9):09d}.{pick.randint(1, 5)}" if at == 0 else ""
        marks = ("YES" if at == 0 else "", mane, str(pick.randint(1, 5)), "P1" if at == 0 else "")
        transcripts.append(Transcript((feature, biotype[0], *marks), pick.randint(1, 40), first, end))
    strand = pick.choice(("1", "-1"))
    return Gene(f"GENE{number}", f"ENSG{number:011d}", f"HGNC:{number}", strand, records, transcripts)


def _line(
    pick: random.Random, kind: Kind, call: Callable[..., str], contig: str, position: int, gene: Gene | None
) -> str:
    ref, alts, alleles = _alleles(pick)
    rs = f"rs{pick.randrange(2_000_000_000)}" if pick.random() < 0.93 else ""
    csq: list[str] = []
    for allele in alleles:
        shared = _frequencies(pick, rs, "SNV" if len(ref) == len(alts[0]) else "indel")
        if gene is None:
            csq.append(_entry(allele, "intergenic_variant", "MODIFIER", "|" * 13, shared, "||", "|||||", "|", "1"))
            continue
        covering = [one for one in gene.transcripts if one.first <= gene.at < one.end]
        csq += [_of_transcript(pick, kind, gene, one, allele, shared, index) for index, one in enumerate(covering)]
    calls = _family(pick) if len(alts) == 1 else ["1/2", "0/1", "0/2"]
    carried = sum(one.count("1") for one in calls)
    info = ";".join(f"{key}={pick.gauss(0, 3):.3f}" for key in _FLOATS)
    counts = ",".join(str(carried) for _ in alts)
    shares = ",".join(f"{carried / 6:.3f}" for _ in alts)
    given = f"AC={counts};AF={shares};AN=6;DP={pick.randint(60, 150)};{info};CSQ={','.join(csq)}"
    keys = "GT:DP:AD:GQ:PL:RNC" if kind.joint else "GT:AD:DP:GQ:PL"
    samples = "\t".join(call(pick, one, len(alts)) for one in calls)
    quality = f"{pick.uniform(30, 3000):.2f}"
    site_filter = "PASS" if pick.random() < 0.95 else _FILTERED
    site = f"{contig}\t{position}\t{rs or '.'}\t{ref}\t{','.join(alts)}\t{quality}\t{site_filter}"
    return f"{site}\t{given}\t{keys}\t{samples}\n"


def _family(pick: random.Random) -> list[str]:
    """Return the genotypes of child, mother and father; the child has an allele of each."""
    mother, father = (pick.choices(_CALLS, (40, 45, 15))[0] for _ in range(2))
    child = sorted((pick.choice(mother[::2]), pick.choice(father[::2])))
    return ["/".join(child), mother, father]


def _alleles(pick: random.Random) -> tuple[str, list[str], list[str]]:
    """Return REF, the ALTs, and VEP's spelling of them."""
    ref = pick.choice("ACGT")
    others = [base for base in "ACGT" if base != ref]
    drawn = pick.random()
    if drawn < 0.86:
        alt = pick.choice(others)
        return ref, [alt], [alt]
    more = "".join(pick.choices("ACGT", k=1 + int(pick.expovariate(0.4))))
    if drawn < 0.92:
        return ref, [ref + more], [more]
    if drawn < 0.985:
        return ref + more, [ref], ["-"]
    alts = pick.sample(others, 2)
    return ref, alts, alts


def _frequencies(pick: random.Random, rs: str, class_: str) -> tuple[str, str, str]:
    """Return Existing_variation, the class, and the fields from AF to MAX_AF."""
    if not rs:
        return "", class_, "|||"
    known = rs if pick.random() < 0.9 else f"{rs}&COSV{pick.randrange(10**8)}"
    genomes = f"{pick.random() ** 6:.4g}"
    exomes = f"{pick.random() ** 6:.4g}" if pick.random() < 0.1 else ""
    return known, class_, f"{pick.random():.4f}|{exomes}|{genomes}|{genomes}"


def _entry(  # the groups of fields, in order
    allele: str, term: str, impact: str, middle: str, shared: tuple[str, str, str], names: str, marks: str, scores: str,
    picked: str,
) -> str:  # fmt: skip
    known, class_, frequencies = shared
    return f"{allele}|{term}|{impact}|{middle}|{known}|{names}|{class_}|{marks}|{scores}|{frequencies}||{picked}"


def _of_transcript(
    pick: random.Random, kind: Kind, gene: Gene, one: Transcript, allele: str, shared: tuple[str, str, str], index: int
) -> str:
    feature, biotype, canonical, mane, tsl, appris = one.texts
    drawn = pick.random()
    exon = intron = hgvsc = hgvsp = changed = codons = distance = sift = polyphen = ""
    at = pick.randint(1, 12_000)
    cdna = cds = protein = ""
    if drawn < kind.coding and biotype == "protein_coding":
        term, impact = _weighted(pick, _CODING)
        exon = f"{pick.randint(1, one.exons)}/{one.exons}"
        hgvsc = f"{feature}:c.{at}{pick.choice('ACGT')}>{pick.choice('ACGT')}"
        was, now = pick.choice(_AMINO), pick.choice(_AMINO)
        hgvsp = f"{feature.replace('T', 'P', 1)}:p.{was}{at // 3 + 1}" + ("%3D" if "synonymous" in term else now)
        cdna, cds, protein = str(at + 211), str(at), str(at // 3 + 1)
        changed, codons = f"{was[0]}/{now[0]}", f"{pick.choice('acgt')}Cg/{pick.choice('acgt')}Tg"
        if "missense" in term:
            sift = f"{pick.choice(('tolerated', 'deleterious'))}({pick.random():.2f})"
            polyphen = f"{pick.choice(('benign', 'probably_damaging'))}({pick.random():.3f})"
    elif drawn < kind.coding + kind.intron and one.exons > 1:
        term, impact = _INTRON
        intron = f"{pick.randint(1, one.exons - 1)}/{one.exons - 1}"
        letter = "c" if biotype == "protein_coding" else "n"
        into = f"{pick.choice('+-')}{pick.randint(9, 60_000)}"
        hgvsc = f"{feature}:{letter}.{at}{into}{pick.choice('ACGT')}>{pick.choice('ACGT')}"
    else:
        term, impact = _weighted(pick, _OTHER)
        distance = str(pick.randint(1, 5000)) if "stream" in term else ""
        if "exon" in term or "UTR" in term:
            exon, cdna = f"{pick.randint(1, one.exons)}/{one.exons}", str(at)
            hgvsc = f"{feature}:n.{at}{pick.choice('ACGT')}>{pick.choice('ACGT')}"
    place = f"{exon}|{intron}|{hgvsc}|{hgvsp}|{cdna}|{cds}|{protein}|{changed}|{codons}"
    middle = f"{gene.symbol}|{gene.id}|Transcript|{feature}|{biotype}|{place}"
    names = f"{distance}|{gene.strand}|"
    marks = f"HGNC|{gene.hgnc}|{canonical}|{mane}|{tsl}|{appris}"
    return _entry(allele, term, impact, middle, shared, names, marks, f"{sift}|{polyphen}", "1" if index == 0 else "")


def _weighted(pick: random.Random, terms: tuple[tuple[str, str, int], ...]) -> tuple[str, str]:
    term, impact, _ = pick.choices(terms, [weight for *_, weight in terms])[0]
    return term, impact


def _gatk_call(pick: random.Random, call: str, alts: int) -> str:
    depths = [pick.randint(3, 40) if str(allele) in call else 0 for allele in range(alts + 1)]
    likelihoods = ",".join(str(pick.randint(0, 1200)) for _ in range((alts + 1) * (alts + 2) // 2))
    return f"{call}:{','.join(map(str, depths))}:{sum(depths)}:{pick.randint(20, 99)}:{likelihoods}"


def _joint_call(pick: random.Random, call: str, alts: int) -> str:
    depths = [pick.randint(3, 40) if str(allele) in call else 0 for allele in range(alts + 1)]
    likelihoods = ",".join(str(pick.randint(0, 990)) for _ in range((alts + 1) * (alts + 2) // 2))
    reasons = ".."
    drawn = pick.random()
    if drawn < 0.04:  # one allele is not called
        call, reasons = f"./{call[-1]}", f"{pick.choice(_REASONS[1:])}."
    elif drawn < 0.08:
        call, reasons = "./.", pick.choice(_REASONS[1:]) * 2
    return f"{call}:{sum(depths)}:{','.join(map(str, depths))}:{pick.randint(2, 99)}:{likelihoods}:{reasons}"
