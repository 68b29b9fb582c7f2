"""Cases imported by the real jobs: their rows in `radiant variants`, and the warnings of their verdict."""

import csv
import gzip
import io
import json

import pytest
import typer
from typer.testing import CliRunner

from import_site import ImportSite
from job_xcoms import prepared_case, succeeded
from radiant import demo, lake
from radiant.cli.variants import variants
from radiant.operators.verdict import describe, judge_import
from radiant.settings import load_settings
from vcf_files import other_warnings

DEMO, ASHKENAZI, SWAPPED, DISOMY = 1, 2, 3, 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("families")


@pytest.fixture(scope="module")
def site(folder):
    return ImportSite(folder, load_settings({"RADIANT_HOME": str(folder / "home")}))


@pytest.fixture(scope="module")
def demo_family(folder):
    return demo.make(folder / "demo", 1, 2000, 5).parent / "FAM0001"


@pytest.fixture(scope="module")
def demo_truth(demo_family, site):
    site.register(DEMO, demo_family / "FAM0001.vcf.gz", demo_family / "FAM0001.ped")
    imported(site, DEMO)
    with (demo_family / "FAM0001.truth.tsv").open(encoding="ascii", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def imported(site, number):
    """Import a case and return the outputs of its jobs, and the verdict of its part."""
    output = site.import_due([number])
    (case,) = output["imported"]
    prepared = {"part": 0, "cases": [prepared_case(number)], "deleted": [], "refused": [], "waiting": []}
    verdict = judge_import(succeeded(prepared, "prepare-part"), succeeded(output, "commit-part"))
    assert verdict.imported == (number,), describe(verdict)
    return case, verdict


def listed(folder, monkeypatch, *words):
    """Call `radiant variants --format csv`."""
    monkeypatch.setenv("RADIANT_HOME", str(folder / "home"))
    app = typer.Typer()
    app.command()(variants)
    result = CliRunner().invoke(app, [*words, "--format", "csv"])
    assert result.exit_code == 0, result.output
    return list(csv.DictReader(io.StringIO(result.stdout)))


def test_the_demos_de_novo_variants_are_those_simulated_and_no_other(demo_truth, folder, monkeypatch):
    rows = listed(folder, monkeypatch, "--case", str(DEMO), "--origin", "denovo")
    simulated = {row["locus"] for row in demo_truth if row["origin"] == "denovo"}
    assert {row["locus"] for row in rows} == simulated
    assert len(simulated) >= 3
    assert {row["mendelian_error"] for row in rows} == {"true"}


@pytest.mark.parametrize("origin", ["mother", "father", "both"])
def test_the_demos_inherited_variants_are_listed_by_parent(demo_truth, folder, monkeypatch, origin):
    rows = listed(folder, monkeypatch, "--case", str(DEMO), "--origin", origin)
    simulated = {row["locus"] for row in demo_truth if row["origin"] == origin and row["determined"] == "yes"}
    assert len(simulated) > 50
    assert simulated <= {row["locus"] for row in rows}
    assert {row["parental_origin"] for row in rows} == {origin}


def test_the_demos_compound_heterozygous_pair_is_marked(demo_truth, folder, monkeypatch):
    pair = [row for row in demo_truth if row["pair"] != "."]
    rows = listed(folder, monkeypatch, "--case", str(DEMO), "--gene", pair[0]["gene"])
    marked = {row["locus"]: row["compound_het"] for row in rows}
    assert [marked[row["locus"]] for row in pair] == ["known", "known"]


# --- Real trios -------------------------------------------------------------------------------------------------------


def import_trio(site, number, vcf, people, *, sex=1):
    child, father, mother = people.split()
    ped = site.folder / f"{number}.ped"
    ped.write_text(f"F {child} {father} {mother} {sex} 2\nF {father} 0 0 1 1\nF {mother} 0 0 2 1\n")
    site.register(number, vcf, ped, "GRCh37")
    return imported(site, number)


def test_de_novos_of_a_real_trio_are_the_alleles_that_both_parents_were_called_without(
    corpus, site, folder, monkeypatch
):
    case, verdict = import_trio(site, ASHKENAZI, corpus / "ashk-trio.vcf.gz", "HG002 HG003 HG004")
    # The file was split after bcftools csq: entries of the other ALT are no warning about the family.
    entries = "pieces of kept lines were left out: csq_allele_unknown 44"
    assert case["warnings"] == [one.warning for one in verdict.warnings]
    assert other_warnings(case) == [entries]
    expected, samples = [], []
    with gzip.open(corpus / "ashk-trio.vcf.gz", "rt") as lines:
        for line in lines:
            columns = line.rstrip("\n").split("\t")
            if line.startswith("#CHROM"):
                samples = [columns.index(sample) for sample in ("HG002", "HG003", "HG004")]
            elif not line.startswith("#"):
                child, father, mother = (columns[at].split(":")[0].replace("|", "/") for at in samples)
                if "1" in child and father == mother == "0/0":
                    expected.append((columns[0], columns[1]))
    rows = listed(folder, monkeypatch, "--case", str(ASHKENAZI), "--origin", "denovo")
    # every allele of this file is in its shortest form, so that rows start at POS
    assert [(row["chromosome"], row["start"]) for row in rows] == expected
    assert {(row["father_zygosity"], row["mother_zygosity"]) for row in rows} <= {
        (father, mother) for father in ("WT", "UNK") for mother in ("WT", "UNK")
    }
    assert {row["sample"] for row in rows} == {"HG002"}
    of_the_father = listed(folder, monkeypatch, "--case", str(ASHKENAZI), "--sample", "HG003", "--region", "1:1-900000")
    assert {row["sample"] for row in of_the_father} == {"HG003"}


def test_a_child_and_a_parent_in_each_others_place_are_loud_in_the_verdict(corpus, site):
    _, verdict = import_trio(site, SWAPPED, corpus / "ashk-trio.vcf.gz", "HG003 HG002 HG004")
    texts = [one.warning for one in verdict.warnings if one.case_id == SWAPPED]
    assert any(text.startswith("parentage: ") and "autosomal sites" in text and "%" in text for text in texts)
    assert not any("HG00" in text for text in texts)


def test_a_disomy_and_a_wrong_sex_are_loud_in_the_verdict_and_the_rates_in_the_report(corpus, site):
    _, verdict = import_trio(site, DISOMY, corpus / "upd-trio.vcf.gz", "CHILD FATHER MOTHER", sex=2)
    sex, disomy, of_x = other_warnings({"warnings": [one.warning for one in verdict.warnings]})
    assert sex.startswith("sex: member 1 (proband) is stated female and looks male: 96 of 768 carried sites on X")
    assert disomy.startswith(
        "uniparental: on chromosome 16 of member 1 (proband), 547 of 555 informative sites (98.6%, warned above 30%)"
    )
    # A son stated as a daughter has an X from his mother alone.
    assert of_x.startswith("uniparental: on chromosome X of member 1 (proband)")
    loads = lake.open_catalog(site.settings).load_table((site.settings.lake.namespace, "case_load")).scan().to_arrow()
    (report,) = (json.loads(one["report"]) for one in loads.to_pylist() if one["case_id"] == DISOMY)
    assert report["trios"][0]["uniparental"]["16"]["mother_only_rate"] == 0.985586
    assert report["trios"][0]["parentage"] == "fits"
    autosomes = [report["trios"][0]["uniparental"][str(name)] for name in range(1, 23) if name != 16]
    assert max(max(one["father_only_rate"], one["mother_only_rate"]) for one in autosomes) < 0.12
    for counts in (report["mendel"], *report["mendel"]["by_type"].values()):
        assert {"checked", "errors", "error_rate", "missing", "skipped"} <= counts.keys()
        assert counts["error_rate"] == round(counts["errors"] / counts["checked"], 6)
    assert set(report["mendel"]["by_type"]) == {"SNV", "insertion", "deletion", "indel"}
    for name in ("checked", "errors", "missing", "skipped"):
        assert sum(counts[name] for counts in report["mendel"]["by_type"].values()) == report["mendel"][name]
