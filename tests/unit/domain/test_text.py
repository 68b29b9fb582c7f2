"""Text files as people hand them in."""

import pytest

from radiant.domain.text import decode_text
from radiant.errors import InputError, PedigreeError


def test_utf_8_with_and_without_a_mark_is_the_same_text():
    assert decode_text("Å\r\n".encode(), "f") == decode_text("Å\r\n".encode("utf-8-sig"), "f") == "Å\r\n"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("a\nb\nÅ".encode("latin-1"), "f.ped, line 3: byte 0xc5 is not UTF-8"),
        ("a,b".encode("utf-16"), "f.ped is UTF-16 text"),
        (b"\x1f\x8b\x08\x00", "f.ped, line 1: byte 0x8b"),
        (b"a\nb\0", "f.ped, line 2: holds a NUL"),
    ],
)
def test_what_is_no_utf_8_is_an_error_with_a_remedy(data, said):
    with pytest.raises(PedigreeError, match=said) as caught:
        decode_text(data, "f.ped", PedigreeError)
    assert "Save" in str(caught.value) or "Hand in" in str(caught.value)


def test_the_error_is_bad_input_by_default():
    with pytest.raises(InputError):
        decode_text(b"\xff\xfe", "f")
