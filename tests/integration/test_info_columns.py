"""INFO keys and frequencies through the whole job: chosen columns in the table, and the rows of `radiant variants`."""

import dataclasses

import pytest
import typer
from typer.testing import CliRunner

from import_site import ImportSite
from radiant import lake
from radiant.cli.variants import variants
from radiant.domain.tables import VARIANT
from radiant.errors import InputError
from radiant.jobs.documents import Status, run_uri
from radiant.lake.create import load_table
from radiant.settings import load_settings

HEADER = """\
##fileformat=VCFv4.2
##contig=<ID=chr1,length=248956422>
##INFO=<ID=CADD,Number=1,Type=Float,Description="Score">
##INFO=<ID=CLNSIG,Number=.,Type=String,Description="ClinVar">
##INFO=<ID=EXACAF,Number=A,Type=Float,Description="Frequency">
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tkid
"""
LINES = [
    "chr1\t1000\t.\tA\tG\t50\tPASS\tCADD=25.5;CLNSIG=5;EXACAF=0.0001\tGT\t0/1",
    "chr1\t2000\t.\tA\tG\t50\tPASS\tCADD=high;EXACAF=0.2\tGT\t0/1",
    "chr1\t3000\t.\tA\tG,T\t50\tPASS\tCADD=3;EXACAF=0.3,.\tGT\t1/2",
]


@dataclasses.dataclass
class Site(ImportSite):
    def add(self, number: int, lines: list[str] = LINES, header: str = HEADER) -> None:
        vcf = self.folder / f"{number}.vcf"
        vcf.write_text(header + "\n".join(lines) + "\n")
        ped = self.folder / f"{number}.ped"
        ped.write_text(f"F{number}\tkid\t0\t0\t1\t2\n")
        self.register(number, vcf, ped)

    def configure(self, **environment: str) -> None:
        self.settings = load_settings({"RADIANT_HOME": str(self.folder / "home"), **environment})

    def rows(self, case: int, *columns: str) -> list[tuple]:
        catalog = lake.open_catalog(self.settings)
        batches = lake.case_rows(catalog, "radiant", case, "variant", columns)
        return [tuple(row[name] for name in columns) for batch in batches for row in batch.to_pylist()]

    def loci(self, case: int, **conditions) -> list[str]:
        catalog = lake.open_catalog(self.settings)
        found = lake.variants(catalog, "radiant", lake.VariantQuery(case, **conditions))
        return [row["locus"] for batch in found for row in batch.to_pylist()]


@pytest.fixture
def site(tmp_path) -> Site:
    return Site(tmp_path, load_settings({"RADIANT_HOME": str(tmp_path / "home")}))


ALL = ["1-1000-A-G", "1-2000-A-G", "1-3000-A-G", "1-3000-A-T"]


def test_chosen_columns_are_added_filled_and_stay(site):
    site.add(1)
    site.import_due()
    assert site.rows(1, "info")[0] == ([("CADD", "25.5"), ("CLNSIG", "5")],)

    site.configure(RADIANT_VCF__INFO_COLUMNS="CADD:float,CLNSIG:string")
    site.add(2)
    site.import_due(cases=[2])
    assert site.rows(2, "info_cadd", "info_clnsig", "info") == [
        (25.5, "5", []),
        (None, None, [("CADD", "high")]),
        (3.0, None, []),
        (3.0, None, []),
    ]
    assert site.rows(1, "info_cadd", "info") == [(None, row[0]) for row in site.rows(1, "info")]
    assert site.loci(2, where="info_cadd >= 20 and info_clnsig = '5'") == ALL[:1]
    assert site.loci(2, where="info_cadd is null") == ALL[1:2]

    site.configure()
    site.add(3)
    site.import_due(cases=[3])
    assert site.rows(3, "info_cadd", "info")[0] == (None, [("CADD", "25.5"), ("CLNSIG", "5")])
    assert site.rows(2, "info_cadd")[0] == (25.5,)


def test_another_type_of_a_chosen_column_is_refused(site):
    site.configure(RADIANT_VCF__INFO_COLUMNS="CADD:float")
    site.add(1)
    site.import_due()
    site.configure(RADIANT_VCF__INFO_COLUMNS="CADD:string")
    site.add(2)
    top = run_uri(site.settings.effective_work_uri, "import-vcf", "another")
    part = site.job("plan-import", "plan", top, cases=[2]).output["parts"][0]["part"]
    prepared = site.job("prepare-part", "prepare", top, part=part, cases=[2])
    assert prepared.status is Status.FAILED
    assert "info_cadd is float, declared string" in prepared.failure.message
    assert site.rows(1, "info_cadd")[0] == (25.5,)


def test_a_table_of_an_older_version_is_read_and_gets_its_columns(site):
    site.add(1)
    site.import_due()
    catalog = lake.open_catalog(site.settings)
    table = load_table(catalog, "radiant", VARIANT)
    with table.update_schema(allow_incompatible_changes=True) as update:
        for name in ("info", "max_af", "gnomadg_af"):
            update.delete_column(name)
    assert site.loci(1, max_af=0.25) == [ALL[0], ALL[1], ALL[3]]
    site.add(2)
    site.import_due(cases=[2])
    assert site.rows(1, "gnomade_af", "info") == [(0.0001, None), (0.2, None), (0.3, None), (None, None)]
    assert site.rows(2, "gnomade_af", "info")[0] == (0.0001, [("CADD", "25.5"), ("CLNSIG", "5")])


def test_a_frequency_filter_keeps_what_is_rare_or_not_known(site):
    site.add(1)
    site.import_due()
    assert site.loci(1) == ALL
    assert site.loci(1, max_af=0.001) == [ALL[0], ALL[3]]
    assert site.loci(1, max_af=0.2) == [ALL[0], ALL[1], ALL[3]]
    assert site.loci(1, where="gnomade_af <= 0.2") == ALL[:2]  # null fits no condition


@pytest.mark.parametrize("condition", ["info_cad >= 20", "gnomade_af >", "chromosome = 1 or", "start = 'x'"])
def test_a_condition_that_cannot_be_read_is_refused(site, condition):
    site.add(1)
    site.import_due()
    with pytest.raises(InputError, match="cannot be read"):
        site.loci(1, where=condition)


@pytest.mark.parametrize("value", [-0.1, 1.5, float("nan")])
def test_a_frequency_outside_0_to_1_is_refused(value):
    with pytest.raises(InputError, match="from 0 to 1"):
        lake.VariantQuery(1, max_af=value)


def test_the_command_reports_that_no_frequency_is_known(site, monkeypatch):
    site.add(1)
    site.add(2, [line.replace("EXACAF=", "X=") for line in LINES], HEADER.replace("ID=EXACAF", "ID=X"))
    output = site.import_due()
    warnings = {case["case_id"]: " ".join(case["warnings"]) for case in output["imported"]}
    assert "no allele has a population frequency" in warnings[2]
    assert "frequency" not in warnings[1]
    monkeypatch.setenv("RADIANT_HOME", str(site.folder / "home"))
    app = typer.Typer()
    app.command()(variants)

    def shown(*argv: str):
        result = CliRunner().invoke(app, list(argv))
        assert result.exit_code == 0, result.output
        return result

    assert "0.0001" in shown("--case", "1", "--max-af", "0.001").stdout
    assert "frequency" not in shown("--case", "1", "--max-af", "0.001").stderr
    assert "no variant of case 2 has a population frequency" in shown("--case", "2", "--max-af", "0.001").stderr
    assert "no variant of case 2" in shown("--case", "2", "--where", "gnomade_af < 0.001").stderr
    assert "frequency" not in shown("--case", "2").stderr
