"""Every entry of real files finds its allele, and says what `bcftools +split-vep` says."""

import gzip
import re
import shutil
import subprocess
from collections import Counter
from urllib.parse import unquote

import pytest

from radiant.vcf.findings import Rule
from radiant.vcf.rules.alleles import split_record
from radiant.vcf.rules.consequences import ConsequenceFormat, parse, pick


def read(corpus, name):
    """The format, and per record its first columns, its alleles and its parsed entries."""
    opener = gzip.open if name.endswith(".gz") else open
    with opener(corpus / name, "rt") as file:
        lines = file.read().splitlines()
    format_ = ConsequenceFormat.from_info_header(line for line in lines if line.startswith("##"))
    assert format_ is not None
    found = []
    for line in lines:
        if line.startswith("#"):
            continue
        row = line.split("\t")
        alleles = split_record(row[0], int(row[1]), row[3], row[4].split(","))
        value = re.search(rf"(?:^|;){format_.tag}=([^;]*)", row[7])
        found.append((row[:5], alleles, parse(value and value[1], alleles, format_)))
    return format_, found


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("clinical-trio-vep.vcf.gz", {"fields": 44, "entries": 4415, "malformed": 3, "assumed": 0}),
        ("roh-single-vep.vcf.gz", {"fields": 18, "entries": 58175, "malformed": 0, "assumed": 0}),
        ("haploid-x.vcf", {"fields": 11, "entries": 4210, "malformed": 0, "assumed": 4210}),
    ],
)
def test_every_entry_finds_its_allele(corpus, name, expected):
    """The first has three entries of 40 fields, on MT; the second SnpEff's names under CSQ; the third no Allele."""
    format_, found = read(corpus, name)
    results = [result for *_, result in found]
    assert format_.tag == "CSQ"
    assert expected == {
        "fields": len(format_.names),
        "entries": sum(len(result.entries) for result in results),
        "malformed": sum(len(result.malformed) for result in results),
        "assumed": sum(result.assumed for result in results),
    }
    assert {piece.rule for result in results for piece in result.malformed} <= {Rule.FIELD_COUNT}
    assert all(entry.columns["consequences"] for result in results for entry in result.entries)


def test_why_an_entry_of_the_clinical_trio_is_picked(corpus):
    _, found = read(corpus, "clinical-trio-vep.vcf.gz")
    reasons = Counter(pick(result.of(1))[1] for *_, result in found)
    assert reasons == {"CANONICAL": 618, "impact": 59, None: 3}


@pytest.mark.skipif(shutil.which("bcftools") is None, reason="bcftools is not installed")
@pytest.mark.parametrize("name", ["clinical-trio-vep.vcf.gz", "haploid-x.vcf"])  # it does not read the third header
def test_every_value_is_the_one_of_split_vep(corpus, name):
    format_, found = read(corpus, name)
    done = subprocess.run(
        ["bcftools", "+split-vep", "-d", "-A", "tab", "-f", "%CHROM\\t%POS\\t%REF\\t%ALT\\t%CSQ\\n", corpus / name],
        capture_output=True,
        text=True,
        check=True,
    )
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    count = 0
    for first, _, result in found:
        texts = [rows[count + i][4:] for i in range(len(result.entries) + len(result.malformed))]
        place = [first[0], first[1], first[3], first[4]]
        assert all(rows[count + i][:4] == place for i in range(len(texts)))
        count += len(texts)
        if result.malformed:  # split-vep fills short entries with dots
            continue
        for entry, text in zip(result.entries, texts, strict=True):
            expected = {n: unquote(t) for n, t in zip(format_.names, text, strict=True) if t not in {"", "."}}
            assert as_vep_writes(entry) == expected
    assert count == len(rows)


PLAIN = {
    "symbol": "SYMBOL",
    "gene_id": "Gene",
    "feature_type": "Feature_type",
    "transcript_id": "Feature",
    "biotype": "BIOTYPE",
    "impact": "IMPACT",
    "hgvsc": "HGVSc",
    "hgvsp": "HGVSp",
    "cdna_position": "cDNA_position",
    "cds_position": "CDS_position",
    "protein_position": "Protein_position",
    "amino_acids": "Amino_acids",
    "codons": "Codons",
    "lof": "LoF",
    "lof_filter": "LoF_filter",
    "lof_flags": "LoF_flags",
    "csq_allele": "Allele",
    "existing_variation": "Existing_variation",
    "clin_sig": "CLIN_SIG",
    "hgnc_id": "HGNC_ID",
}


def as_vep_writes(entry):
    """The entry's fields again, from its columns and its extra map: nothing is lost."""
    columns = entry.columns
    fields = {name: columns[column] for column, name in PLAIN.items() if columns[column] is not None}
    fields["Consequence"] = "&".join(columns["consequences"])
    for name in ("exon", "intron"):
        if columns[f"{name}_rank"] is not None:
            fields[name.upper()] = f"{columns[f'{name}_rank']}/{columns[f'{name}_total']}"
    for name, tag in (("sift", "SIFT"), ("polyphen", "PolyPhen")):
        if columns[f"{name}_prediction"] is not None:
            score = columns[f"{name}_score"]  # null where VEP was asked for the word alone
            fields[tag] = columns[f"{name}_prediction"] + ("" if score is None else f"({score:g})")
    for name, tag in (("strand", "STRAND"), ("allele_num", "ALLELE_NUM"), ("distance", "DISTANCE")):
        if columns[name] is not None:
            fields[tag] = str(columns[name])
    for name, tag in (("max_af", "MAX_AF"), ("gnomade_af", "gnomADe_AF"), ("gnomadg_af", "gnomADg_AF")):
        if columns[name] is not None:
            fields[tag] = f"{columns[name]:g}"
    if columns["canonical"]:
        fields["CANONICAL"] = "YES"
    return fields | dict(entry.extra)
