import datetime as dt

import pytest

from certificates import NOW, Authority
from radiant.errors import ConfigError
from radiant.kubeconfig.certificate import token_expiry, validity


@pytest.mark.parametrize(
    "until", [dt.datetime(2049, 12, 31, 23, 59, 59, tzinfo=dt.UTC), dt.datetime(2051, 1, 1, tzinfo=dt.UTC), NOW]
)
def test_the_end_is_read_in_both_spellings_of_time(authority, until):
    certificate, _ = authority.issue("client", until=until, since=dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
    assert validity(certificate.read_bytes(), "x") == (dt.datetime(2020, 1, 1, tzinfo=dt.UTC), until)


def test_a_chain_is_valid_while_all_of_it_is(authority):
    first, _ = authority.issue("first", until=NOW + dt.timedelta(days=9))
    second, _ = authority.issue("second", until=NOW + dt.timedelta(days=5))
    _, end = validity(first.read_bytes() + b"# comment\n" + second.read_bytes(), "x")
    assert end == NOW + dt.timedelta(days=5)


@pytest.mark.parametrize(
    "pem", [b"", b"text", b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----", b"\xff\xfe"]
)
def test_what_is_no_certificate_is_refused_by_its_name(pem):
    with pytest.raises(ConfigError, match=r"^the file: .*certificate"):
        validity(pem, "the file")


def test_a_token_that_does_not_say_when_it_ends_has_no_end():
    assert token_expiry("opaque") is None
    assert token_expiry("a.b.c") is None
    assert token_expiry("a.e30.c") is None


def test_the_authority_is_its_own_kind_of_certificate(tmp_path):
    start, end = validity(Authority(tmp_path).file.read_bytes(), "x")
    assert start < NOW < end
