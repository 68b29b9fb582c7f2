import pytest

from radiant.ui import form_tokens
from radiant.ui.form_tokens import form_of, make_token


@pytest.mark.parametrize("site", [None, "none", "same-origin"])
def test_a_form_of_this_page_and_this_user_has_its_number(site):
    token = make_token("ana")
    assert form_of(token, "ana", site) == form_of(token, "ana", None)
    assert form_of(make_token("ana"), "ana", site) != form_of(token, "ana", site)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_form_that_another_site_sends_is_refused(site):
    assert form_of(make_token("ana"), "ana", site) is None


def test_a_token_of_another_user_a_changed_one_and_an_old_one_are_refused(monkeypatch):
    token = make_token("ana")
    assert form_of(token, "ben", None) is None
    changed = "A" if token[-2] != "A" else "B"  # the last character has bits that do not count
    assert form_of(token[:-2] + changed + token[-1], "ana", None) is None
    assert form_of("", "ana", None) is None
    monkeypatch.setattr(form_tokens, "_LIVES_S", -1)
    assert form_of(token, "ana", None) is None
