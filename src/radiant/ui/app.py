"""The application with the pages: each route checks Airflow's rights, reads what it shows, and renders it."""

import datetime as dt
from importlib import resources
from typing import Annotated
from urllib.parse import urlencode

from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.common.db.common import SessionDep
from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import FastAPI, Form, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException as StarletteHttpException

from radiant.domain.case import LAST_CASE, CaseState
from radiant.domain.case_numbers import read_case_numbers
from radiant.errors import CaseNotFoundError, InputError, RadiantError
from radiant.jobs.dag_ids import IMPORT_RADIANT
from radiant.registry import CaseFilter
from radiant.settings import load_settings
from radiant.ui import airflow_runs, gather, pages, run_gather
from radiant.ui.form_tokens import form_of, make_token
from radiant.ui.import_again import import_again
from radiant.ui.pages import Frame
from radiant.ui.rights import MAY_READ, MAY_READ_LOGS, MAY_TRIGGER, may_trigger

_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_MOST_TEXT = 200
_MONTH = r"^2[0-9]{3}-(0[1-9]|1[0-2])$"
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


_REPORT_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
"""A report has its style inside, and nothing that runs."""


def make_app() -> FastAPI:
    """Return the application, to be mounted below Airflow's."""
    app = FastAPI(title="Radiant", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_api_route("/", overview, dependencies=[MAY_READ], response_class=HTMLResponse)
    app.add_api_route("/cases", cases, dependencies=[MAY_READ], response_class=HTMLResponse)
    app.add_api_route("/cases/{case_id}", case, dependencies=[MAY_READ], response_class=HTMLResponse)
    app.add_api_route("/costs", costs, dependencies=[MAY_READ], response_class=HTMLResponse)
    app.add_api_route("/run", run, dependencies=[MAY_READ], response_class=HTMLResponse)
    app.add_api_route("/task", task, dependencies=[MAY_READ], response_class=HTMLResponse)
    app.add_api_route("/worker-log", worker_log, dependencies=[MAY_READ_LOGS], response_class=PlainTextResponse)
    app.add_api_route("/report", report, dependencies=[MAY_READ], response_class=HTMLResponse)
    app.add_api_route("/import-again", again, methods=["POST"], dependencies=[MAY_TRIGGER])
    app.add_api_route("/static/{name}", static)
    app.add_exception_handler(StarletteHttpException, _refused)
    app.add_exception_handler(RequestValidationError, _refused)
    app.add_exception_handler(RadiantError, _failed)
    return app


def overview(request: Request, user: GetUserDep, session: SessionDep) -> HTMLResponse:
    """Answer with the first page."""
    sources = gather.open_sources(load_settings(), session)
    frame = _frame(request, user=user, notices=sources.notices)
    return _html(pages.overview_page(frame, gather.overview(sources, frame.now)))


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


def costs(
    request: Request, user: GetUserDep, session: SessionDep, month: Annotated[str | None, Query(pattern=_MONTH)] = None
) -> HTMLResponse:
    """Answer with what a month cost, this one when none is named."""
    sources = gather.open_sources(load_settings(), session)
    frame = _frame(request, user=user, notices=sources.notices)
    at = dt.datetime.strptime(month, "%Y-%m").replace(tzinfo=dt.UTC) if month else frame.now
    found = gather.costs(sources, at, frame.now)
    if found is None:
        return _html(pages.message_page(frame, "Costs", "Costs are counted from what the registry has about imports."))
    return _html(pages.costs_page(frame, found))


def run(request: Request, user: GetUserDep, session: SessionDep, dag_id: str, run_id: str) -> HTMLResponse:
    """Answer with the imports of a run: the tab of a DAG run, and where a form leads."""
    sources = gather.open_sources(load_settings(), session)
    frame = _frame(request, user=user, notices=sources.notices, embedded="tab" in request.query_params)
    found = run_gather.run(sources, dag_id, run_id)
    if found is None:
        text = "This is no run of radiant's imports: those are runs of import-radiant, import-part and import-vcf."
        return _html(pages.message_page(frame, "No imports", text))
    return _html(pages.run_page(frame, found))


def task(  # noqa: PLR0913, PLR0917 - FastAPI passes them by name
    request: Request,
    user: GetUserDep,
    session: SessionDep,
    dag_id: str,
    run_id: str,
    task_id: str,
    map_index: str = "-1",
) -> HTMLResponse:
    """Answer with the tab of a task instance: of an import its case, of another job what it used."""
    sources = gather.open_sources(load_settings(), session)
    frame = _frame(request, user=user, notices=sources.notices, embedded=True)
    # Airflow leaves {MAP_INDEX} in the address of a task that is not mapped.
    index = int(map_index) if map_index.isdecimal() else -1
    case_id = airflow_runs.case_of(session, dag_id, run_id, task_id, index)
    if case_id is not None:
        return _html(pages.case_page(frame, gather.case(sources, case_id)))
    return _html(pages.task_page(frame, run_gather.task(sources, dag_id, run_id, task_id, index)))


def worker_log(run_id: str, map_index: Annotated[int, Query(ge=0)]) -> Response:
    """Answer with the log that the worker of an import wrote itself, whole where Airflow's may be cut."""
    found = gather.worker_log(load_settings(), run_id, map_index)
    if found is None:
        raise HTTPException(404, "The worker of this import has left no log of its own.")
    return PlainTextResponse(found, headers=HEADERS)


def report(run_id: str) -> HTMLResponse:
    """Answer with the report that a run of `import-radiant` has left."""
    found = run_gather.report(load_settings(), run_id)
    if found is None:
        raise HTTPException(404, "This run has left no report; its task report writes it, after the verdict.")
    return HTMLResponse(found, headers=HEADERS | {"Content-Security-Policy": _REPORT_POLICY})


def again(
    request: Request,
    user: GetUserDep,
    session: SessionDep,
    token: Annotated[str, Form()] = "",
    cases: Annotated[list[str], Form()] = [],  # noqa: B006 - FastAPI copies it
) -> Response:
    """Start `import-radiant` for the cases of a form; answer with the way to the run's page."""
    form = form_of(token, user.get_name(), request.headers.get("sec-fetch-site"))
    if form is None:
        raise HTTPException(403, _FOREIGN_FORM)
    run_id = import_again(session, read_case_numbers(cases) or [], form, user.get_name())
    query = urlencode({"dag_id": IMPORT_RADIANT, "run_id": run_id})
    return RedirectResponse(f"{_base(request)}/run?{query}", 303)


def static(name: str) -> Response:
    """Answer with the style sheet, the script or an icon; they hold no data, so they need no login."""
    kind = _TYPES.get(name[name.rfind(".") :])
    file = resources.files("radiant.ui") / "static" / name
    if kind is None or "/" in name or not file.is_file():
        raise HTTPException(404, "There is no such file.")
    headers = {"Cache-Control": "max-age=86400", "X-Content-Type-Options": "nosniff"}
    return Response(file.read_bytes(), media_type=kind, headers=headers)


def _base(request: Request) -> str:
    return str(request.scope.get("root_path", ""))


def _frame(
    request: Request, *, user: BaseUser | None = None, notices: tuple[str, ...] = (), embedded: bool = False
) -> Frame:
    may = user is not None and may_trigger(user)
    return Frame(
        base=_base(request),
        now=dt.datetime.now(dt.UTC),
        notices=notices,
        may_trigger=may,
        form_token=make_token(user.get_name()) if user is not None and may else "",
        embedded=embedded,
    )


def _html(text: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(text, status, headers=HEADERS)


_FOREIGN_FORM = (
    "This form was not made by this page, or is older than a day: open the page again and send it from there."
)
_TITLES = {401: "Log in to Airflow", 403: "Not allowed", 404: "Not found"}
_TEXTS = {
    401: "This page needs a login. Log in to Airflow, then open it again.",
    403: "This page needs the right to read the DAG import-radiant, its button the right to trigger it.",
}


def _refused(request: Request, error: Exception) -> HTMLResponse:
    """Answer with a page about a request that cannot be served, under its status."""
    status, text = 422, "The address has a value that this page does not take."
    if isinstance(error, StarletteHttpException):
        status, text = error.status_code, error.detail
        if status in _TEXTS and text != _FOREIGN_FORM:
            text = _TEXTS[status]
    return _html(pages.message_page(_frame(request), _TITLES.get(status, "Not possible"), text), status)


def _failed(request: Request, error: Exception) -> HTMLResponse:
    """Answer with a page about an error of radiant: a case that does not exist, a registry that went away."""
    if isinstance(error, CaseNotFoundError):
        return _html(pages.message_page(_frame(request), _TITLES[404], str(error)), 404)
    title, status = ("Not possible", 400) if isinstance(error, InputError) else ("Not available", 503)
    return _html(pages.message_page(_frame(request), title, str(error)), status)
