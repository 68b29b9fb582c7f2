"""Mendelian errors, site by site, against `bcftools +mendelian` (1.16) and the fixtures of `+mendelian2`.

Every difference is one of `REASONS`; a difference without a reason fails.
"""

import gzip
import itertools
import os
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from radiant.domain.assembly import RegionClass, canonical_chromosome, region_class
from radiant.domain.case import Sex
from radiant.domain.inheritance import mendelian_error
from radiant.domain.trio import MISSING

ASSEMBLY = "GRCh37"
DEBIAN_PLUGINS = Path("/usr/lib/x86_64-linux-gnu/bcftools")


@dataclass(frozen=True)
class Site:
    """One line of a VCF: where, and the genotypes as written."""

    chromosome: str
    position: int
    child: str
    father: str
    mother: str

    @property
    def region(self):
        return region_class(ASSEMBLY, canonical_chromosome(self.chromosome), self.position)

    def error(self, sex):
        return mendelian_error(self.region, sex, calls(self.child), calls(self.father), calls(self.mother))


def calls(text):
    return tuple(MISSING if call == "." else int(call) for call in text.replace("|", "/").split("/"))


def read_sites(path, child, father, mother):
    """Read GT of three samples; sites on primary contigs only."""
    opener = gzip.open if path.suffix == ".gz" else open
    sites = []
    with opener(path, "rt") as lines:
        for line in lines:
            if line.startswith("##"):
                continue
            fields = line.rstrip("\n").split("\t")
            if line.startswith("#CHROM"):
                columns = [fields.index(sample) for sample in (child, father, mother)]
            elif canonical_chromosome(fields[0]):
                sites.append(Site(fields[0], int(fields[1]), *(fields[column].split(":")[0] for column in columns)))
    return sites


def bcftools_errors(sites, folder):
    """Ask `bcftools +mendelian` about each site, GT only (INFO of real files stops it)."""
    environment = dict(os.environ)
    if DEBIAN_PLUGINS.is_dir():
        environment.setdefault("BCFTOOLS_PLUGINS", str(DEBIAN_PLUGINS))
    file = folder / "trio.vcf"
    contigs = dict.fromkeys(site.chromosome for site in sites)
    with file.open("w") as out:
        out.write('##fileformat=VCFv4.2\n##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n')
        out.writelines(f"##contig=<ID={contig}>\n" for contig in contigs)
        out.write("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tC\tF\tM\n")
        for site in sites:
            genotypes = f"{site.child}\t{site.father}\t{site.mother}"
            out.write(f"{site.chromosome}\t{site.position}\t.\tA\tC,G,T,AA,AC,AG,AT\t.\t.\t.\tGT\t{genotypes}\n")
    try:
        run = subprocess.run(
            ["bcftools", "+mendelian", str(file), "-t", "M,F,C", "-m", "a", "-r", ASSEMBLY],
            capture_output=True,
            text=True,
            env=environment,
            check=False,
        )
    except FileNotFoundError:
        pytest.skip("bcftools is not installed")
    if "##INFO=<ID=MERR" not in run.stdout:
        pytest.skip("this bcftools has no +mendelian (removed after 1.16 for +mendelian2)")
    records = [line.split("\t")[7] for line in run.stdout.splitlines() if not line.startswith("#")]
    assert len(records) == len(sites)
    # A trio that is passed over has MERR=0 as well.
    return [record == "MERR=1" for record in records]


# --- why the two may differ -----------------------------------------------------------------------------------------


def child_half_called(site, sex):  # noqa: ARG001 - one signature for all reasons
    """We say error, bcftools passes the trio over.

    The child has a missing call, or one call where there are two copies. It is an error whatever the missing call is:
    neither parent has the known one.
    """
    child = calls(site.child)
    return MISSING in child or len(child) == 1


def parent_half_called(site, sex):  # noqa: ARG001 - one signature for all reasons
    """bcftools says error, we say it depends.

    On X, Y and M, bcftools takes the called half of a parent's genotype for all of it.
    """
    father, mother = calls(site.father), calls(site.mother)
    return (
        any(MISSING in parent and set(parent) != {MISSING} for parent in (father, mother))
        or (site.region is RegionClass.X and len(mother) == 1)
    ) and site.region in {RegionClass.X, RegionClass.Y, RegionClass.M}


def diploid_call_of_one_copy(site, sex):
    """bcftools takes two calls for two copies, whatever the sex.

    It wants one of a son's `1/1` on X from his father, and calls every diploid genotype on Y and M an error. To us
    `1/1` is one copy, and of `0/1` each allele must be one of the parent's who passes the place on.
    """
    one_copy = site.region in {RegionClass.Y, RegionClass.M} or (site.region is RegionClass.X and sex is not Sex.FEMALE)
    return one_copy and len(calls(site.child)) > 1


def haploid_call_of_a_daughter(site, sex):
    """bcftools takes one call on X for a son; to us a stated daughter's other call is missing."""
    return site.region is RegionClass.X and sex is Sex.FEMALE and len(calls(site.child)) == 1


def daughters_y(site, sex):
    """To bcftools a daughter has a Y; to us no rule applies."""
    return site.region is RegionClass.Y and sex is Sex.FEMALE


def par_of_y(site, sex):  # noqa: ARG001 - one signature for all reasons
    """bcftools takes all of Y for the father's; to us its PAR is inherited like an autosome."""
    return site.region is RegionClass.PAR and canonical_chromosome(site.chromosome) == "Y"


REASONS = {
    # reason: (ours, bcftools) that it explains
    diploid_call_of_one_copy: {(False, True), (None, True), (True, False)},
    child_half_called: {(True, False)},
    parent_half_called: {(None, True)},
    haploid_call_of_a_daughter: {(None, True)},
    daughters_y: {(None, True)},
    par_of_y: {(False, True), (None, True), (True, False)},
}


def differences(sites, sex, folder):
    """Count differing sites by reason; none may be without."""
    counts = Counter()
    for site, expected in zip(sites, bcftools_errors(sites, folder), strict=True):
        ours = site.error(sex)
        if (ours is True) != expected:
            explaining = (why for why, answers in REASONS.items() if (ours, expected) in answers and why(site, sex))
            reason = next(explaining, None)
            assert reason is not None, f"{site}: {ours}, bcftools {expected}"
            counts[reason.__name__] += 1
    return dict(counts)


# --- every genotype -------------------------------------------------------------------------------------------------

WRITTEN = [*".012", *("/".join(pair) for pair in itertools.combinations_with_replacement(".012", 2)), "1/.", "2/."]


def every_trio(chromosome, position):
    return [Site(chromosome, position + i, *people) for i, people in enumerate(itertools.product(WRITTEN, repeat=3))]


@pytest.mark.parametrize("sex", Sex)
@pytest.mark.parametrize(
    ("chromosome", "reasons"),
    [
        ("1", {"child_half_called"}),
        (
            "X",
            {"child_half_called", "parent_half_called", "diploid_call_of_one_copy", "haploid_call_of_a_daughter"},
        ),
        ("Y", {"child_half_called", "parent_half_called", "diploid_call_of_one_copy", "daughters_y"}),
        ("MT", {"child_half_called", "parent_half_called", "diploid_call_of_one_copy"}),
    ],
)
def test_every_trio_of_three_alleles_agrees_or_differs_for_a_stated_reason(chromosome, reasons, sex, tmp_path):
    sites = every_trio(chromosome, 5_000_000 if chromosome in {"X", "Y"} else 1000)
    assert set(differences(sites, sex, tmp_path)) <= reasons


def test_the_par_of_x_agrees_and_that_of_y_is_ours_alone(tmp_path):
    assert set(differences(every_trio("X", 100_000), Sex.MALE, tmp_path)) <= {"child_half_called"}
    assert set(differences(every_trio("Y", 100_000), Sex.MALE, tmp_path)) <= {
        "child_half_called",
        "parent_half_called",
        "par_of_y",
    }


# --- the fixtures of +mendelian2 --------------------------------------------------------------------------------------


def listed(path):
    """Read the (chromosome, position) of each line of a fixture, with its INFO."""
    lines = (line.split("\t") for line in path.read_text().splitlines() if not line.startswith("#"))
    return {(fields[0], int(fields[1])): fields[7] for fields in lines}


@pytest.fixture(scope="module")
def fixture_sites(corpus):
    return read_sites(corpus / "bcftools" / "mendelian.vcf", "child1", "dad1", "mom1")


def test_errors_are_those_of_the_fixture_when_the_calls_show_the_sex(corpus, fixture_sites):
    expected = listed(corpus / "bcftools" / "mendelian.4.out")
    for site in fixture_sites:
        assert (site.error(Sex.UNKNOWN) is True) == (expected[site.chromosome, site.position] == "MERR=1"), site


def test_a_son_differs_from_the_fixture_only_where_he_has_two_alleles_on_x(corpus, fixture_sites):
    expected = listed(corpus / "bcftools" / "mendelian.4.out")
    differing = [
        site
        for site in fixture_sites
        if (site.error(Sex.MALE) is True) != (expected[site.chromosome, site.position] == "MERR=1")
    ]
    assert [(site.chromosome, site.position) for site in differing] == [("X", 102)]
    assert diploid_call_of_one_copy(differing[0], Sex.MALE)


def test_undecided_sites_are_the_fixtures_missing_ones_that_are_no_error(corpus, fixture_sites):
    missing = set(listed(corpus / "bcftools" / "mendelian.7.out"))
    errors = set(listed(corpus / "bcftools" / "mendelian.3.out"))
    undecided = {(site.chromosome, site.position) for site in fixture_sites if site.error(Sex.UNKNOWN) is None}
    assert undecided == missing - errors


# --- real trios -------------------------------------------------------------------------------------------------------

TRIOS = {
    "ashk-trio.vcf.gz": ("HG002", "HG003", "HG004"),
    "upd-trio.vcf.gz": ("CHILD", "FATHER", "MOTHER"),
    "clinical-trio-vep.vcf.gz": ("ADM1059A2", "ADM1059A1", "ADM1059A3"),
}


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("ashk-trio.vcf.gz", {}),
        # 650 on X, 17 on Y, of which 34 show two alleles; all 91,003 autosomal sites agree
        ("upd-trio.vcf.gz", {"diploid_call_of_one_copy": 667}),
        # 6 on Y, 3 on M
        ("clinical-trio-vep.vcf.gz", {"diploid_call_of_one_copy": 9}),
    ],
)
def test_real_trios_agree_site_by_site(corpus, tmp_path, file, expected):
    sites = read_sites(corpus / file, *TRIOS[file])
    assert differences(sites, Sex.MALE, tmp_path) == expected


def test_with_one_call_for_one_copy_a_son_agrees_but_where_he_shows_two_alleles(corpus, tmp_path):
    def one_call(site, genotype):
        single = site.region in {RegionClass.X, RegionClass.Y} and len(set(calls(genotype))) == 1
        return genotype[0] if single else genotype

    sites = [
        Site(
            site.chromosome,
            site.position,
            one_call(site, site.child),
            one_call(site, site.father),
            "." if site.region is RegionClass.Y else site.mother,
        )
        for site in read_sites(corpus / "upd-trio.vcf.gz", *TRIOS["upd-trio.vcf.gz"])
    ]
    assert differences(sites, Sex.MALE, tmp_path) == {"diploid_call_of_one_copy": 34}
