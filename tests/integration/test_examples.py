"""The notebook of examples/ on the tables of two demo families."""

import base64
import os
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from import_site import ImportSite
from radiant import demo
from radiant.settings import load_settings

NOTEBOOK = Path(__file__).parents[2] / "examples" / "first-look.ipynb"
PNG = b"\x89PNG"


@pytest.mark.filterwarnings("ignore")  # of the notebook's client
def test_the_notebook_opens_the_demo_and_draws_two_plots(tmp_path, monkeypatch):
    site = ImportSite(tmp_path, load_settings({"RADIANT_HOME": str(tmp_path / "home")}))
    families = demo.make(tmp_path / "demo", 2, 2000, 5).parent
    for number, name in enumerate(("FAM0001", "FAM0002"), 1):
        site.register(number, families / name / f"{name}.vcf.gz", families / name / f"{name}.ped")
    site.import_due()
    monkeypatch.setenv("RADIANT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    plots = [base64.b64decode(one.data["image/png"]) for one in outputs if "image/png" in one.get("data", {})]
    assert [plot[:4] for plot in plots] == [PNG, PNG]
    assert "GRCh38" in outputs[0].data["text/plain"]  # the cases that case_load names
    for number, plot in enumerate(plots):
        (tmp_path / f"plot-{number}.png").write_bytes(plot)
