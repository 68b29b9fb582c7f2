"""`radiant demo make` into a store."""

from typer.testing import CliRunner

from radiant.cli.main import app
from s3_store import s3_store


def test_demo_families_are_written_to_a_store_and_registered_from_there(monkeypatch, tmp_path):
    monkeypatch.setenv("RADIANT_HOME", str(tmp_path))
    with s3_store() as store:
        made = CliRunner().invoke(app, ["demo", "make", store.uri("demo"), "--families", "1", "--records", "500"])
        assert made.exit_code == 0, made.output
        assert f"radiant cases add --sheet {store.uri('demo/cases.csv')}" in made.output
        assert "demo/FAM0001/FAM0001.vcf.gz" in store.names()
        added = CliRunner().invoke(app, ["cases", "add", "--sheet", store.uri("demo/cases.csv")])
        assert added.exit_code == 0, added.output
    assert store.uri("demo/FAM0001/FAM0001.vcf.gz") in added.output
