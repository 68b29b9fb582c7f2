"""docs/annotation.md: its example, followed command by command, from a laboratory's score to a query."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from import_site import ImportSite
from radiant.settings import load_settings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "annotation.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Return the blocks of the example in a language."""
    section = PAGE.split("\n## An example, from a score to a query\n")[1].split("\n## ")[0]
    return re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)


def with_tabs(text: str) -> str:
    """Return a file's text with tabs between columns, where the page has blanks."""
    lines = text.splitlines(keepends=True)
    return "".join(line if line.startswith("##") else re.sub(r" {2,}", "\t", line) for line in lines)


@pytest.mark.skipif(
    shutil.which("bcftools") is None or shutil.which("tabix") is None,
    reason="bcftools and tabix are not installed; on Debian: apt-get install bcftools tabix",
)
def test_the_example_leads_from_a_score_to_a_query(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    environment = {
        "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
        "RADIANT_HOME": str(tmp_path / "home"),
    }

    def shell(command: str) -> str:
        nonlocal environment
        script = f"set -euo pipefail\n{command}\n"
        done = subprocess.run(
            ["bash", "-c", script], env=environment, capture_output=True, text=True, timeout=600, check=False
        )
        assert done.returncode == 0, done.stderr
        environment |= dict(re.findall(r"^export (\w+)=(\S+)$", command, re.MULTILINE))
        return done.stdout

    case, lab = blocks("text")
    Path("case.vcf").write_text(with_tabs(case))
    Path("lab.tsv").write_text(with_tabs(lab))
    annotate, convert, imports = blocks("sh")
    shell(annotate)
    assert "2 lines: 2 kept" in shell(convert)

    (question,) = blocks("python")
    found: dict = {}
    exec(question, found)  # noqa: S102 - the page's own
    (row,) = found["scored"].fetchall()
    assert (row[0], round(row[1], 2), *row[2:]) == (43045712, 0.93, "ENST00000357654", "0.71", "hereditary_cancer")

    add, run, ask = imports.splitlines()
    assert run == "radiant run --once"
    shell(add)
    site = ImportSite(tmp_path, load_settings({name: environment[name] for name in environment if name != "PATH"}))
    site.import_due()  # what `radiant run` does, without Airflow
    shown = shell(f"{ask} --format csv").splitlines()
    assert len(shown) == 2
    assert "43045712" in shown[1]
