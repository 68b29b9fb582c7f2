"""A lake of one test: its home folder and its catalog."""

import pytest

from radiant import lake
from radiant.settings import load_settings


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def catalog(home):
    with lake.open_catalog(load_settings({"RADIANT_HOME": str(home)})) as catalog:
        yield catalog
