"""The application with the pages: each route checks Airflow's rights, reads what it shows, and renders it."""

import datetime as dt
from importlib import resources
from typing import Annotated

from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.common.db.common import SessionDep
from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import FastAPI, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, Response
from starlette.exceptions import HTTPException as StarletteHttpException

from radiant.domain.case import LAST_CASE, CaseState
from radiant.errors import CaseNotFoundError, RadiantError
from radiant.registry import CaseFilter
from radiant.settings import load_settings
from radiant.ui import gather, pages
from radiant.ui.pages import Frame
from radiant.ui.rights import MAY_READ, may_trigger

_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_MOST_TEXT = 200
_MOST_PAGES = 1_000_000

HEADERS = {
    "Cache-Control": "no-store",
    # Nothing from elsewhere, no script in a page's text, and no other site around it.
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def make_app() -> FastAPI:
    """Return the application, to be mounted below Airflow's."""
    app = FastAPI(title="Radiant", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_api_route("/", overview, dependencies=[MAY_READ], response_class=HTMLResponse)
    app.add_api_route("/cases", cases, dependencies=[MAY_READ], response_class=HTMLResponse)
    app.add_api_route("/cases/{case_id}", case, dependencies=[MAY_READ], response_class=HTMLResponse)
    app.add_api_route("/static/{name}", static)
    app.add_exception_handler(StarletteHttpException, _refused)
    app.add_exception_handler(RequestValidationError, _refused)
    app.add_exception_handler(RadiantError, _failed)
    return app


def overview(request: Request, user: GetUserDep, session: SessionDep) -> HTMLResponse:
    """Answer with the first page."""
    sources = gather.open_sources(load_settings(), session)
    frame = _frame(request, user=user, notices=sources.notices)
    return _html(pages.overview_page(frame, gather.overview(sources)))


def cases(  # noqa: PLR0913, PLR0917 - FastAPI passes them by name
    request: Request,
    user: GetUserDep,
    session: SessionDep,
    state: CaseState | None = None,
    q: Annotated[str, Query(max_length=_MOST_TEXT)] = "",
    page: Annotated[int, Query(ge=1, le=_MOST_PAGES)] = 1,
) -> HTMLResponse:
    """Answer with a list of cases."""
    sources = gather.open_sources(load_settings(), session)
    frame = _frame(request, user=user, notices=sources.notices)
    return _html(pages.cases_page(frame, gather.cases(sources, CaseFilter(state, q), page)))


def case(case_id: int, request: Request, user: GetUserDep, session: SessionDep) -> HTMLResponse:
    """Answer with the page of a case."""
    sources = gather.open_sources(load_settings(), session)
    frame = _frame(request, user=user, notices=sources.notices)
    if not 1 <= case_id <= LAST_CASE:
        raise HTTPException(404, f"There is no case {case_id}: a case's number is a whole number from 1.")
    return _html(pages.case_page(frame, gather.case(sources, case_id)))


def static(name: str) -> Response:
    """Answer with the style sheet, the script or an icon; they hold no data, so they need no login."""
    kind = _TYPES.get(name[name.rfind(".") :])
    file = resources.files("radiant.ui") / "static" / name
    if kind is None or "/" in name or not file.is_file():
        raise HTTPException(404, "There is no such file.")
    headers = {"Cache-Control": "max-age=86400", "X-Content-Type-Options": "nosniff"}
    return Response(file.read_bytes(), media_type=kind, headers=headers)


def _frame(
    request: Request, *, user: BaseUser | None = None, notices: tuple[str, ...] = (), embedded: bool = False
) -> Frame:
    return Frame(
        base=str(request.scope.get("root_path", "")),
        now=dt.datetime.now(dt.UTC),
        notices=notices,
        may_trigger=user is not None and may_trigger(user),
        embedded=embedded,
    )


def _html(text: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(text, status, headers=HEADERS)


_TITLES = {401: "Log in to Airflow", 403: "Not allowed", 404: "Not found"}
_TEXTS = {
    401: "This page needs a login. Log in to Airflow, then open it again.",
    403: "This page needs the right to read the DAG import-radiant, its button the right to trigger it.",
}


def _refused(request: Request, error: Exception) -> HTMLResponse:
    """Answer with a page about a request that cannot be served, under its status."""
    status, text = 422, "The address has a value that this page does not take."
    if isinstance(error, StarletteHttpException):
        status, text = error.status_code, _TEXTS.get(error.status_code, error.detail)
    return _html(pages.message_page(_frame(request), _TITLES.get(status, "Not possible"), text), status)


def _failed(request: Request, error: Exception) -> HTMLResponse:
    """Answer with a page about an error of radiant: a case that does not exist, a registry that went away."""
    if isinstance(error, CaseNotFoundError):
        return _html(pages.message_page(_frame(request), _TITLES[404], str(error)), 404)
    return _html(pages.message_page(_frame(request), "Not available", str(error)), 503)
