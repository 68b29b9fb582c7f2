"""When certificates and tokens end; only so much of X.509 and JWT as that takes.

Source: RFC 5280, sections 4.1 (Certificate) and 4.1.2.5 (Validity); X.690 (DER); RFC 7519, section 4.1.4 (`exp`).
"""

import base64
import binascii
import json
import re
from datetime import UTC, datetime

from radiant.errors import ConfigError

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)
_VERSION, _UTC_TIME, _GENERALIZED_TIME = 0xA0, 0x17, 0x18
_LONG = 0x80


def validity(pem: bytes, what: str) -> tuple[datetime, datetime]:
    """Return from when until when the certificates of a PEM file are all valid.

    Args:
        pem: one certificate or several.
        what: names the file in the message of the error.

    Raises:
        ConfigError: there is no certificate in it.
    """
    try:
        spans = [_validity(base64.b64decode(body)) for body in _PEM.findall(pem)]
    except (ValueError, IndexError, binascii.Error) as error:
        msg = f"{what}: the certificate cannot be read: {error}"
        raise ConfigError(msg) from error
    if not spans:
        msg = f"{what}: no certificate in it; it must be a PEM file with -----BEGIN CERTIFICATE-----"
        raise ConfigError(msg)
    return max(start for start, _ in spans), min(end for _, end in spans)


def token_expiry(token: str) -> datetime | None:
    """Return when a token ends, None where it does not say (only a JWT does)."""
    parts = token.split(".")
    if len(parts) != 3:  # noqa: PLR2004 - header, claims, signature
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return datetime.fromtimestamp(claims["exp"], UTC)
    except (ValueError, TypeError, KeyError, OverflowError):
        return None


def _validity(der: bytes) -> tuple[datetime, datetime]:
    certificate, _ = _element(der, 0)
    fields, _ = _element(certificate[1], 0)
    position = 0
    (tag, _), position = _element(fields[1], 0)
    if tag == _VERSION:
        _, position = _element(fields[1], position)  # the serial number
    for _ in ("signature algorithm", "issuer"):
        _, position = _element(fields[1], position)
    span, _ = _element(fields[1], position)
    start, position = _element(span[1], 0)
    end, _ = _element(span[1], position)
    return _time(*start), _time(*end)


def _element(data: bytes, position: int) -> tuple[tuple[int, bytes], int]:
    """Return (tag, content) of the DER element at a position, and where the next one begins."""
    tag, length = data[position], data[position + 1]
    position += 2
    if length & _LONG:
        count = length & ~_LONG
        length = int.from_bytes(data[position : position + count])
        position += count
    return (tag, data[position : position + length]), position + length


def _time(tag: int, content: bytes) -> datetime:
    text = content.decode("ascii")
    if tag == _UTC_TIME:
        century = "20" if int(text[:2]) < 50 else "19"  # noqa: PLR2004 - the rule of RFC 5280
        text = century + text
    elif tag != _GENERALIZED_TIME:
        msg = f"its validity is no time (tag {tag:#x})"
        raise ValueError(msg)
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
