"""Settings come from RADIANT_* alone, and a misspelt one is an error."""

import pytest

from radiant.errors import ConfigError
from radiant.settings import effective_settings, load_settings, mask_secret, setting_names


def test_a_nested_variable_sets_a_nested_value():
    assert load_settings({"RADIANT_JOBS__IMPORT_CASE__MEMORY_MIB": "4096"}).jobs.import_case.memory_mib == 4096


def test_an_unknown_variable_suggests_the_nearest_name():
    with pytest.raises(ConfigError, match=r"RADIANT_HOEM .*did you mean RADIANT_HOME\?"):
        load_settings({"RADIANT_HOEM": "x"})


def test_an_unknown_variable_far_from_all_names_points_to_the_list():
    with pytest.raises(ConfigError, match="radiant config"):
        load_settings({"RADIANT_QQQQQQQQ": "x"})


def test_a_value_out_of_range_names_variable_value_and_rule():
    with pytest.raises(ConfigError, match=r"RADIANT_VCF__TOLERATE='-1'.*greater than or equal to 0"):
        load_settings({"RADIANT_VCF__TOLERATE": "-1"})


def test_a_variable_of_the_tests_is_left_alone(monkeypatch):
    monkeypatch.setenv("RADIANT_TEST_KUBECONFIG", "x")
    assert load_settings() == load_settings({"RADIANT_TEST_KUBECONFIG": "x"}) == load_settings({})


def test_a_variable_of_another_program_is_left_alone():
    assert load_settings({"PYICEBERG_CATALOG__DEFAULT__URI": "x", "PATH": "/bin"}).backend == "local"


def test_effective_settings_show_every_name_once_and_no_password():
    settings = load_settings({"RADIANT_REGISTRY__URL": "postgresql://importer:hush@db/radiant"})
    shown = dict(effective_settings(settings))
    assert list(shown) == list(setting_names())
    assert shown["RADIANT_REGISTRY__URL"] == "postgresql://importer:***@db/radiant"


def test_a_bad_secret_is_not_repeated_in_the_error():
    with pytest.raises(ConfigError) as error:
        load_settings({"RADIANT_JOBS__POC__CPU": "0", "RADIANT_REGISTRY__URL": "postgresql://a:hush@db/x"})
    assert "hush" not in str(error.value)


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("sqlite:////a/b.db", "sqlite:////a/b.db"),
        ("postgresql+psycopg://u:p%40ss@h:5432/d", "postgresql+psycopg://u:***@h:5432/d"),
        ("postgresql://u:p@ss:w/rd@h/d", "postgresql://u:***@h/d"),
        (
            "postgresql://h/d?user=u&password=hush&sslmode=require",
            "postgresql://h/d?user=u&password=***&sslmode=require",
        ),
    ],
)
def test_only_the_password_of_a_url_is_masked(url, masked):
    assert mask_secret(url) == masked


@pytest.mark.parametrize("name", ["RADIANT_HOME", "RADIANT_LAKE__WAREHOUSE"])
@pytest.mark.parametrize("folder", ["/data/a?1", "/data/a#1"])
def test_a_folder_that_databases_and_tables_would_cut_short_is_refused(name, folder):
    with pytest.raises(ConfigError, match=rf"{name}=.*cannot be used"):
        load_settings({name: folder})


def test_an_empty_home_is_the_default_one(monkeypatch):
    monkeypatch.setenv("RADIANT_HOME", "")
    assert load_settings().home == load_settings({"RADIANT_HOME": ""}).home == load_settings({}).home


def test_a_password_in_any_refused_value_is_masked():
    with pytest.raises(ConfigError, match="WAREHOUSE") as error:
        load_settings({"RADIANT_LAKE__WAREHOUSE": "s3://key:hush@bucket/a?b"})
    assert "hush" not in str(error.value)
