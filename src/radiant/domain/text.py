"""Text files that people write."""

from radiant.errors import InputError

_BOMS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


def decode_text(data: bytes, name: str, error_class: type[InputError] = InputError) -> str:
    """Decode UTF-8, with or without a byte order mark; line ends stay as they are.

    Args:
        data: Content of the file.
        name: The file's name, for the message.
        error_class: Raised when it is no text.

    Raises:
        InputError: other bytes than UTF-8, or a NUL; the message names the line.
    """
    encoding = _BOMS.get(data[:2])
    if encoding is not None:
        msg = f"{name} is {encoding} text, UTF-8 is needed. Save it again as CSV UTF-8 or as plain text in UTF-8"
        raise error_class(msg)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        msg = (
            f"{name}, line {line}: byte 0x{data[error.start]:02x} is not UTF-8. "
            "Save the file again as UTF-8 text (in Excel: CSV UTF-8); a compressed or binary file cannot be read here"
        )
        raise error_class(msg) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        msg = f"{name}, line {line}: holds a NUL character, so it is not a text file. Hand in the text itself"
        raise error_class(msg)
    return text
