"""When certificates and tokens end.

Source: RFC 5280, section 4.1.2.5 (Validity); RFC 7519, section 4.1.4 (`exp`).
"""

import base64
import json
from datetime import UTC, datetime

from cryptography import x509

from radiant.errors import ConfigError


def validity(pem: bytes, what: str) -> tuple[datetime, datetime]:
    """Return from when until when the certificates of a PEM file are all valid.

    Args:
        pem: one certificate or several.
        what: names the file in the message of the error.

    Raises:
        ConfigError: there is no certificate in it, or one that cannot be read.
    """
    if b"-----BEGIN CERTIFICATE-----" not in pem:
        msg = f"{what}: no certificate in it; it must be a PEM file with -----BEGIN CERTIFICATE-----"
        raise ConfigError(msg)
    try:
        found = x509.load_pem_x509_certificates(pem)
        return max(one.not_valid_before_utc for one in found), min(one.not_valid_after_utc for one in found)
    except ValueError as error:
        msg = f"{what}: the certificate cannot be read: {error}"
        raise ConfigError(msg) from error


def token_expiry(token: str) -> datetime | None:
    """Return when a token ends, None for a token without an end (only a JWT has one)."""
    parts = token.split(".")
    if len(parts) != 3:  # noqa: PLR2004 - header, claims, signature
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return datetime.fromtimestamp(claims["exp"], UTC)
    except (ValueError, TypeError, KeyError, OverflowError):
        return None
