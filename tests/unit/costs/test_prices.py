import re
from importlib import resources
from pathlib import Path

import pytest

from radiant.costs.prices import built_in_prices, read_prices
from radiant.costs.workload import built_in_figures
from radiant.errors import ConfigError

TEXT = resources.files("radiant.costs").joinpath("prices.toml").read_text()
PERFORMANCE = (Path(__file__).parents[3] / "docs" / "performance.md").read_text()


def test_the_list_that_comes_with_radiant_is_read_whole():
    prices = built_in_prices()
    assert (prices.fargate.x86_vcpu_hour, prices.s3.gb_month, prices.node("m5.large").hour) == (0.04048, 0.023, 0.096)
    assert [kind.name for kind in prices.mwaa.classes] == ["mw1.small", "mw1.medium", "mw1.large"]
    assert "MWAA mw1.micro" in prices.left_out


def test_every_price_names_where_it_was_found():
    prices = built_in_prices()
    groups = (prices.fargate, prices.ec2, prices.eks, prices.mwaa, prices.s3, prices.logs, prices.network)
    assert all(group.sources for group in groups)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("gb_month = 0.023", "", "mine.toml: s3: gb_month is missing"),
        ("gb_month = 0.023", 'gb_month = "0.023"', "mine.toml: s3: gb_month: is '0.023', expected float"),
        ("gb_month = 0.023", "gb_month = true", "expected float"),
        ("gb_month = 0.023", "gb_month = -1", "is -1, and a price or an amount is at least 0"),
        ("[network]", "[net]", "network is missing; net is no key"),
        ('name = "m5.large"', "name = 5", r"ec2: nodes\[0\]: name: is 5, expected str"),
        ("[eks]", "[eks", "mine.toml: is not TOML"),
    ],
)
def test_a_list_that_cannot_be_counted_with_is_refused_with_its_key(old, new, message):
    assert TEXT.count(old) == 1
    with pytest.raises(ConfigError, match=message):
        read_prices(TEXT.replace(old, new), "mine.toml")


def test_a_node_that_has_no_price_is_refused_with_those_that_have_one():
    with pytest.raises(ConfigError, match=r"no node 'p5'; it has m5\.large, m5\.xlarge"):
        built_in_prices().node("p5")


def row(name):
    """Return wall seconds, CPU seconds and MiB of a row of docs/performance.md; the first two for a million records."""
    found = re.search(rf"^\| {re.escape(name)} \| [^|]+ \| ([^\n]+) \|$", PERFORMANCE, re.MULTILINE)
    records, wall_s, _, cpu_s, mib, *_ = (float(cell.replace(",", "")) for cell in found.group(1).split(" | "))
    return wall_s * 1e6 / records, cpu_s, mib


def test_the_measured_figures_are_those_of_the_performance_page():
    figures, near = built_in_figures().import_case, 0.05
    assert figures.wall_s_per_million_one_core == pytest.approx(row("genome, 1 process")[0], rel=near)
    wall_s, cpu_s, _ = row("genome, 2 processes")
    assert figures.wall_s_per_million_two_cores == pytest.approx(wall_s, rel=near)
    assert figures.cpu_s_per_million == pytest.approx(cpu_s, rel=near)
    assert figures.start_s == pytest.approx(row("10,000 records")[0] / 100, rel=near)
    peaks = [row(name)[2] for name in ("genome, 1 process", "genome, 2 processes", "slow disk", "S3")]
    assert figures.peak_memory_mib == pytest.approx(max(peaks), rel=near)
    stored = built_in_figures().stored
    vcf, tables = re.search(r"records, (\d+) MB as bgzip, becomes (\d+) MB of Parquet", PERFORMANCE).groups()
    assert (stored.vcf_bytes_per_million, stored.parquet_bytes_per_million) == (int(vcf) * 1e6, int(tables) * 1e6)
    head, get, put, lists = map(
        int, re.search(r"A case takes (\d+) HEAD, (\d+) GET, (\d+) PUT and (\d+) LIST", PERFORMANCE).groups()
    )
    assert (stored.get_per_case, stored.put_per_case) == (head + get, put + lists)
