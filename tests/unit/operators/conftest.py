"""What the tests of the operators share."""

import pytest

from backends import airflow_context


@pytest.fixture
def context():
    return airflow_context()


@pytest.fixture
def instance(context):
    return context["ti"]
