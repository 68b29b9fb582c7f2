"""The sample sheet."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radiant.domain.case import Priority
from radiant.domain.pedigree import parse_pedigree
from radiant.domain.sheet import COLUMNS, SheetRow, parse_sheet
from radiant.errors import InputError

HEADER = "case,vcf,ped,strategy,priority,assembly,proband\n"
ROW = "7,a.vcf.gz,a.ped,wxs,stat,GRCh37,kid\n"


def to_uri(path):
    if "\\" in path:
        msg = f"{path!r} is a Windows path"
        raise InputError(msg)
    return f"file:///sheets/{path}"


def parse(text):
    return parse_sheet(text, "cases.csv", to_uri=to_uri, strategies=("wgs", "wxs"))


def problem(text):
    with pytest.raises(InputError) as caught:
        parse(text)
    return str(caught.value)


FULL = SheetRow(
    line=2,
    case_id=7,
    vcf_uri="file:///sheets/a.vcf.gz",
    ped_uri="file:///sheets/a.ped",
    strategy="wxs",
    priority=Priority.STAT,
    assembly="GRCh37",
    proband="kid",
)


def test_a_row_is_a_case():
    assert parse(HEADER + ROW) == (FULL,)


def test_only_vcf_must_be_there():
    assert parse("vcf\na.vcf\n") == (
        SheetRow(2, None, "file:///sheets/a.vcf", None, "wgs", Priority.ROUTINE, "GRCh38", None),
    )


def test_an_empty_cell_was_not_filled_in():
    assert parse(HEADER + ",a.vcf,,,,,\n") == parse(HEADER + ",a.vcf\n") == parse("vcf\na.vcf\n")


def test_columns_may_come_in_any_order_and_case():
    assert parse("VCF, Case \na.vcf , 7\n")[0].case_id == 7


@pytest.mark.parametrize(
    "text",
    [
        (HEADER + ROW).replace("\n", "\r\n"),
        (HEADER + ROW).replace("\n", "\r"),
        f"\ufeff{HEADER}{ROW}",
        (HEADER + ROW).replace(",", ";"),
        (HEADER + ROW).replace(",", "\t"),
        (HEADER + ROW).replace("a.vcf.gz", '"a.vcf.gz"').rstrip("\n"),
        f"{HEADER}{ROW}\n,,,,,,\n",
    ],
)
def test_line_ends_marks_quotes_and_the_separators_of_excel_do_not_matter(text):
    assert parse(text) == (FULL,)


def test_the_first_line_of_excel_names_the_separator():
    assert parse("sep=;\ncase;vcf\n7;a,b.vcf\n")[0].vcf_uri == "file:///sheets/a,b.vcf"


def test_lines_are_counted_in_the_file():
    text = "# cases of today\n\ncase,vcf\n# the first\n1,a.vcf\n\n2,\n"
    assert "line 7, column vcf: is empty" in problem(text)


def test_a_quoted_cell_may_hold_the_separator():
    assert parse('vcf,ped\n"a,b.vcf",a.ped\n')[0].vcf_uri.endswith("/a,b.vcf")


def test_names_may_be_in_any_script():
    assert parse("vcf\nÅngström/患者 1.vcf\n")[0].vcf_uri == "file:///sheets/Ångström/患者 1.vcf"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1, there is no line that names the columns"),
        ("case,vcf\n", "line 1, there is no line for a case"),
        ("case,ped\n1,a.ped\n", "line 1, the column vcf is missing"),
        ("vcf,priorty\na,b\n", "line 1, column 2: there is no column 'priorty'; did you mean priority?"),
        ("vcf,vcf\na,b\n", "line 1, column 2: vcf comes twice"),
        ("vcf,,ped\na,b,c\n", "line 1, column 2: has no name"),
        ("vcf\na,b\n", "line 2, column 2: 'b' is beyond the 1 columns"),
        ("vcf,case\na,1.0\n", "line 2, column case: '1.0' is not a case number"),
        ("vcf,case\na,0\n", "line 2, column case: '0' is not a case number"),
        ("vcf,case\na,²\n", "line 2, column case: '²' is not a case number"),
        ("vcf,case\na,99999999999999999999\n", "is not a case number"),
        ("vcf,case\na,1\nb,1\n", "line 3, column case: 1 was already on line 2"),
        ("vcf,strategy\na,exome\n", "line 2, column strategy: 'exome' is not a known strategy"),
        ("vcf,priority\na,sat\n", "line 2, column priority: 'sat' is not a known priority; did you mean stat?"),
        ("vcf,assembly\na,GRCh36\n", "line 2, column assembly: 'GRCh36' is not a known assembly; did you mean GRCh3"),
        ("vcf,proband\na,kid\n", "line 2, column proband: 'kid' needs a pedigree"),
        ("vcf,ped,patient\na,b,P1\n", "line 2, column patient: the case has a pedigree"),
        ("vcf\nC:\\data\\a.vcf\n", "line 2, column vcf: 'C:\\\\data\\\\a.vcf' is a Windows path"),
        ("vcf\na.vcf\na.vcf\n", "line 3, column vcf: file:///sheets/a.vcf was already on line 2"),
        ("vcf,case\na.vcf,1\na.vcf,\n", "line 3, column vcf: file:///sheets/a.vcf was already on line 2"),
        ('vcf,ped\n"a.vcf,b\n', "line 2, "),
        ('vcf,ped\n"a"x,b\n', "line 2, "),
    ],
)
def test_a_problem_is_named_with_line_and_column(text, said):
    message = problem(text)
    assert message.startswith("cases.csv, line ")
    assert said in message


def test_one_vcf_may_be_several_numbered_cases():
    assert [row.case_id for row in parse("vcf,case\na.vcf,1\na.vcf,2\n")] == [1, 2]


def test_all_problems_are_listed_at_once_in_the_order_of_the_lines():
    text = HEADER + "x,a.vcf,,,,,\n1,,,gws,,,\n1,b.vcf,,,,,kid\n2,c\\d,,,,hg17,\n"
    message = problem(text).splitlines()
    assert message[0] == "cases.csv has 6 problems:"
    assert [line.split(":")[0].strip() for line in message[1:]] == [
        "line 2, column case",
        "line 3, column strategy",
        "line 3, column vcf",
        "line 4, column proband",
        "line 5, column assembly",
        "line 5, column vcf",
    ]


@pytest.mark.parametrize("value", ["", "unknown", "Routine"])
def test_an_unknown_priority_is_routine(value):
    assert parse(f"vcf,priority\na,{value}\n")[0].priority is Priority.ROUTINE


@given(st.text(alphabet='vcfped,;\t"\n\r #sep=1aA\\', max_size=80))
def test_any_text_is_cases_or_bad_input(text):
    try:
        rows = parse(text)
    except InputError:
        return
    assert rows
    assert all(row.vcf_uri for row in rows)


class TestDocumentation:
    PAGE = (Path(__file__).parents[3] / "docs" / "sample-sheet.md").read_text()

    def test_the_examples_are_valid(self):
        sheet, pedigree = (block.partition("\n")[2] for block in re.findall(r"```(.*?)```", self.PAGE, re.DOTALL))
        assert [(row.case_id, row.priority, row.proband) for row in parse(sheet)] == [
            (1, Priority.STAT, None),
            (2, Priority.ROUTINE, "P17"),
            (None, Priority.ROUTINE, None),
        ]
        assert [member.patient_id for member in parse_pedigree(pedigree, "f.ped")] == ["P001", "P002", "P003"]

    def test_every_column_is_described(self):
        assert set(re.findall(r"^\| `(\w+)` \|", self.PAGE, re.MULTILINE)) == set(COLUMNS)
