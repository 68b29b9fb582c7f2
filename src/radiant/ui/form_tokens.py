"""Tokens of forms: a page of another site can make a browser send a form here, and cannot make one of these.

Airflow's login is a cookie that browsers do not send with a form of another site (`SameSite=Lax`). A form of these
pages has, beside it, a token: the user and a number of the form, signed with Airflow's own secret for a day. And a
request that a browser marks as coming from another site (`Sec-Fetch-Site`) is refused.
"""

import uuid

from airflow.api_fastapi.auth.tokens import get_signing_key
from itsdangerous import BadSignature, URLSafeTimedSerializer

_SALT = "radiant.form"
_LIVES_S = 24 * 3600
_OUR_SITES = (None, "same-origin", "none")
"""Values of `Sec-Fetch-Site`; browsers of before 2023 send none."""


def make_token(user: str) -> str:
    """Return a token for one form of one user."""
    return _signer().dumps([user, uuid.uuid4().hex[:12]])


def form_of(token: str, user: str, fetch_site: str | None) -> str | None:
    """Return the number of the form that a request sends, None for a request that these pages did not make.

    Args:
        token: As the form has it.
        user: That sends it.
        fetch_site: The header `Sec-Fetch-Site`.
    """
    if fetch_site not in _OUR_SITES:
        return None
    try:
        found = _signer().loads(token, max_age=_LIVES_S)
    except BadSignature:
        return None
    return str(found[1]) if found[0] == user else None


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(get_signing_key("api", "secret_key"), salt=_SALT)
