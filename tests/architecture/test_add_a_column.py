"""The guide docs/add-a-column.md, followed word by word in a copy of the tree."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
GUIDE = (REPOSITORY / "docs" / "add-a-column.md").read_text()
BEFORE = {"tables.py": '_info("info_vqslod"', "entry_columns.py": '_of_transcript("hgnc_id"'}
"""An entry of each file that the guide names; the guide's entry goes before it."""


def test_the_guide_adds_a_column_by_one_entry_and_one_test(tmp_path):
    shutil.copytree(REPOSITORY / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    info, entry, test = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    for name, added in zip(BEFORE, (info, entry), strict=True):
        file = tmp_path / "src" / "radiant" / "domain" / name
        text = file.read_text()
        assert text.count(BEFORE[name]) == 1
        file.write_text(text.replace(BEFORE[name], f"{added.strip()}, {BEFORE[name]}"))
    written = tmp_path / "test_new_column.py"
    written.write_text(test)
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "/dev/null", str(written)],
        cwd=tmp_path,
        env={"PYTHONPATH": f"{tmp_path / 'src'}:{REPOSITORY / 'tests'}", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "1 passed" in run.stdout
