"""The history that commits leave, and `radiant resources advise`, which reads it."""

import pytest
from typer.testing import CliRunner

from import_site import ImportSite
from radiant import demo
from radiant.cli.main import app
from radiant.cli.resources import read_imports
from radiant.costs.sizing import Observation
from radiant.errors import InputError
from radiant.jobs.import_history import ImportHistory, encode_history, history_uri
from radiant.settings import load_settings
from radiant.storage import write_bytes


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.setenv("RADIANT_HOME", str(tmp_path / "home"))
    return ImportSite(tmp_path, load_settings())


def advise():
    result = CliRunner().invoke(app, ["resources", "advise"])
    if result.exception is not None:
        raise result.exception
    return result.output


def test_each_import_that_became_visible_is_one_line_of_the_history(site, tmp_path):
    families = demo.make(tmp_path / "demo", 2, 500, 5).parent
    sizes = {}
    for number, family in enumerate(("FAM0001", "FAM0002"), start=1):
        vcf = families / family / f"{family}.vcf.gz"
        site.register(number, vcf, families / family / f"{family}.ped")
        sizes[number] = vcf.stat().st_size
    output = site.import_due([1, 2], lose=2)  # commits twice
    assert [one["case_id"] for one in output["imported"]] == [1]
    (first,) = read_imports(site.settings)
    assert (first.vcf_bytes, first.samples, first.records) == (sizes[1], 3, 500)
    assert first.peak_memory_mib > 50
    assert first.wall_s > 0
    site.import_due([2])
    assert [one.vcf_bytes for one in read_imports(site.settings)] == [sizes[1], sizes[2]]
    assert "A bound is fitted from 20 imports on" in advise()


def test_the_advice_names_bound_data_and_waste(site):
    imports = tuple(
        Observation(mib << 20, 3, 1000 * mib, 200.0 + mib, 10.0 + mib, 15.0 + mib, 2.0, 2048) for mib in range(1, 31)
    )
    write_bytes(history_uri(site.settings.effective_work_uri), encode_history(ImportHistory(imports)))
    output = advise()
    assert "30 imports used at most 230 MiB" in output
    assert "Memory in MiB of none was above 200 + 1 x the file's MiB;" in output
    assert "Seconds of none were above 10 + 1 x the file's MiB;" in output
    # A start of 30 s each, and a minute is the minimum. A task of 2 cores has 4 GB at least: memory saves nothing.
    seconds = sum(max(30 + 10 + mib, 60) for mib in range(1, 31))
    assert f"On Fargate these imports cost ${0.09874 * seconds / 3600:.4f} as requested" in output
    assert "waste $0.00" in output
    slower = sum(max(30 + 15 + mib, 60) for mib in range(1, 31))
    assert f"${(0.04048 + 2 * 0.004445) * slower / 3600:.4f} with one core as well" in output
    last = output.splitlines()[20].split()
    assert last == ["30.0", "3", "30,000", "40.0", "45.0", "230", "2,048", "320"]


def test_without_a_history_the_advice_says_where_it_comes_from(site):
    with pytest.raises(InputError, match=r"import-history\.json: no import has been committed"):
        read_imports(site.settings)
