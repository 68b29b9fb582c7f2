"""`radiant config`."""

from radiant.cli.main import config


def test_what_a_job_may_use_is_shown_even_if_no_setting_says_so(monkeypatch, capsys):
    monkeypatch.setenv("RADIANT_JOBS__IMPORT_CASE__RETRIES", "0")
    config()
    shown = dict(line.split("=", 1) for line in capsys.readouterr().out.splitlines())
    assert shown["RADIANT_JOBS__IMPORT_CASE__RETRIES"] == "0"
    assert [name for name, value in shown.items() if "__IMPORT_CASE__" in name and not value] == []
    assert shown["RADIANT_JOBS__POC__TIMEOUT_S"] == "300"
