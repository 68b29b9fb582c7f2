"""Cells of CSV that a spreadsheet must not run as a formula."""

_STARTS = "=+-@\t\r\uff1d\uff0b\uff0d\uff20"
"""A cell that begins so is evaluated by Excel, LibreOffice or Google Sheets; the last four are `=+-@` in full width."""


def plain_text(cell: str) -> str:
    """Return a cell that a spreadsheet shows as it is.

    A single character, such as `-`, is no formula.

    Example: `=HYPERLINK("http://x")` becomes `'=HYPERLINK("http://x")`, and `c.-5A>G` stays.
    """
    return f"'{cell}" if len(cell) > 1 and cell[0] in _STARTS else cell
