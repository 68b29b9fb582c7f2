"""Cases that wait for their import: how many, and since when the first of them."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from radiant.domain.case import CaseState, WaitingCases
from radiant.registry.model import CaseRow, HistoryRow

_WAITING = (CaseState.REGISTERED, CaseState.ASSIGNED, CaseState.IMPORTING)
_ENDS = (CaseState.IMPORTED, CaseState.FAILED, CaseState.DELETED)


def waiting(session: Session) -> WaitingCases:
    """Return the cases that wait.

    A case waits from the first entry of its history after its last import, failure or removal: a run that broke off and
    gave it back changes nothing. A failed case waits for a repair, and counts again when a run plans it.
    """
    ended = (
        sa.select(HistoryRow.case_id, sa.func.max(HistoryRow.entry).label("entry"))
        .where(HistoryRow.to_state.in_(_ENDS))
        .group_by(HistoryRow.case_id)
        .subquery()
    )
    count, since = session.execute(
        sa.select(sa.func.count(sa.distinct(CaseRow.case_id)), sa.func.min(HistoryRow.at))
        .select_from(CaseRow)
        .outerjoin(ended, ended.c.case_id == CaseRow.case_id)
        .outerjoin(
            HistoryRow,
            (HistoryRow.case_id == CaseRow.case_id) & (HistoryRow.entry > sa.func.coalesce(ended.c.entry, 0)),
        )
        .where(CaseRow.state.in_(_WAITING))
    ).one()
    return WaitingCases(count, since)
