"""What a file, a name or a server holds reaches a terminal without its control characters."""

import io
import sys
from types import SimpleNamespace

import pyarrow as pa
import pytest
from rich.console import Console

from radiant import lake
from radiant.cli import main as command
from radiant.cli import register, run, variants
from radiant.cli.check_result import print_results, wrong
from radiant.cli.kube_access import print_line
from radiant.cli.summary import Summary, print_summary
from radiant.cli.terminal import TerminalBytes, printable, printable_lines
from radiant.errors import InputError
from radiant.jobs.contracts import FailedCase
from vcf_files import record, text, write

HOSTILE = "kid\x1b[2J\x9b1m\x07\r\u202e"
SHOWN = "kid\ufffd[2J\ufffd1m\ufffd\ufffd\ufffd"


def test_every_control_character_is_replaced_and_other_text_stays():
    assert printable(HOSTILE) == SHOWN
    assert printable("a\tb\nc") == "a\ufffdb\ufffdc"
    assert printable_lines(f"a\tb\n{HOSTILE}") == f"a\tb\n{SHOWN}"
    assert printable("Müller 患者 é [bold]") == "Müller 患者 é [bold]"


@pytest.mark.parametrize("kind", [InputError, OSError, ZeroDivisionError])
def test_an_error_that_quotes_a_file_is_printed_without_control_characters(monkeypatch, capsys, kind):
    def fail():
        raise kind(HOSTILE)

    monkeypatch.setattr(command, "app", fail)
    with pytest.raises(SystemExit):
        command.main()
    shown = capsys.readouterr().err
    assert SHOWN in shown
    assert not set(HOSTILE) & set("\x1b\x9b\x07\r\u202e") & set(shown)


def test_convert_names_samples_of_a_pedigree_without_control_characters(monkeypatch, capsys, tmp_path):
    path = write(tmp_path / "case.vcf", text([record("0/1")], ("kid",)))
    (tmp_path / "family.ped").write_text("F\tkid\x1b[2J\t0\t0\t1\t2\n")
    words = [
        "radiant",
        "vcf",
        "convert",
        str(path),
        "--ped",
        str(tmp_path / "family.ped"),
        "--out",
        str(tmp_path / "o"),
    ]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as ended:
        command.main()
    shown = capsys.readouterr().err
    assert ended.value.code == 65
    assert "\ufffd[2J" in shown
    assert "\x1b" not in shown


def hostile_rows():
    schema = lake.result_schema()
    row = dict.fromkeys(schema.names) | {"sample": HOSTILE, "locus": f"1-1-A-{HOSTILE}", "rsnumber": [HOSTILE]}
    return pa.RecordBatch.from_pylist([row], schema=schema)


def test_variants_shows_names_without_control_characters(capsys):
    query = lake.VariantQuery(1, all_members=True)
    variants._write_table(iter([hostile_rows()]), query, None, 10)
    shown = capsys.readouterr().out
    assert SHOWN in shown
    assert "\x1b" not in shown


@pytest.mark.parametrize("terminal", [True, False])
def test_variants_as_csv_is_the_data_in_a_pipe_and_printable_on_a_terminal(monkeypatch, terminal):
    target = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="")
    monkeypatch.setattr(target, "isatty", lambda: terminal, raising=False)
    monkeypatch.setattr(sys, "stdout", target)
    variants._write_file(iter([hostile_rows()]), lake.result_schema(), variants.OutputFormat.CSV, None)
    target.flush()
    written = target.buffer.getvalue().decode()
    assert (SHOWN in written, HOSTILE in written) == (terminal, not terminal)


def test_a_character_that_is_cut_between_two_writes_is_shown_whole(capsys):
    stream = TerminalBytes()
    for byte in "é\x1b".encode():
        stream.write(bytes([byte]))
    assert capsys.readouterr().out == "é\ufffd"


def test_the_summary_of_a_run_shows_reasons_without_control_characters():
    console = Console(file=io.StringIO(), force_terminal=False)
    summary = Summary((), (FailedCase(1, "VcfInvalid", HOSTILE),), (), (HOSTILE,))
    print_summary(summary, console)
    shown = console.file.getvalue()
    assert shown.count(SHOWN) == 2
    assert "\x1b" not in shown


def test_run_shows_notes_about_files_without_control_characters(monkeypatch):
    monkeypatch.setattr(register, "from_sheet", lambda *_: [])
    monkeypatch.setattr(register, "check_files", lambda *_: SimpleNamespace(notes=[HOSTILE], wanted=[]))
    monkeypatch.setattr(register, "register", lambda *_, **__: SimpleNamespace(refused=[], done=[]))
    console = Console(file=io.StringIO())
    run._register(None, "cases.csv", None, console)
    assert SHOWN in console.file.getvalue()


def test_doctors_show_what_a_server_answers_without_control_characters(capsys):
    print_results([wrong("access", HOSTILE, HOSTILE)])
    print_line(HOSTILE)
    shown = capsys.readouterr()
    assert (shown.out.count(SHOWN), shown.err.count(SHOWN)) == (2, 1)
