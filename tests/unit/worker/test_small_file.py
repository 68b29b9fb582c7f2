"""What the import of a small local file loads: a panel's job spends most of its time on starting."""

import subprocess
import sys

import pytest

from radiant import lake, storage
from radiant.demo.make import make
from radiant.domain.case import Case, Priority
from radiant.domain.pedigree import parse_pedigree
from radiant.jobs.codec import encode
from radiant.jobs.documents import Request, Status, decode_result
from radiant.settings import load_settings
from radiant.worker import case_document
from radiant.worker.case_document import CaseDocument

PROGRAM = """
import os
import sys
from radiant.worker.main import main
assert "numpy" not in sys.modules
try:
    main(sys.argv[1:])
finally:
    print("modules:", *sorted(name for name, module in sys.modules.items() if module is not None))
    print("blas threads:", os.environ["OPENBLAS_NUM_THREADS"])
"""

NOT_NEEDED = {
    "airflow": "the worker decides nothing",
    "asyncio": "of clients of object stores",
    "boto3": "the file is local",
    "botocore": "the file is local",
    "fsspec": "the file is local",
    "pandas": "Arrow loads it where it is installed, if it is asked for a data frame",
    "pyiceberg": "the job stages files, and commits nothing",
    "pysam": "the file is text, and there is no FASTA",
    "radiant.registry": "the job has no credentials of it",
    "sqlalchemy": "the job reaches no database",
}


@pytest.fixture(scope="module")
def modules(tmp_path_factory):
    """The modules of a worker's process at the end of its job."""
    home = tmp_path_factory.mktemp("home")
    (home / "pandas.py").write_text("__version__ = '1.0'")
    make(home, 1, 500, 7)
    family = home / "FAM0001"
    with lake.open_catalog(load_settings({"RADIANT_HOME": str(home)})) as catalog:
        tables = lake.ensure_tables(catalog, "radiant")
    members = tuple(parse_pedigree((family / "FAM0001.ped").read_text(), "ped", None))
    case = Case(1, storage.file_uri(family / "FAM0001.vcf.gz"), "wgs", Priority.ROUTINE, "GRCh38", members)
    run = storage.file_uri(home / "run")
    uri = case_document.case_uri(run, 1)
    case_document.write_case(uri, CaseDocument(case, 0, "load", 0, "MODERATE", None, tables))
    arguments = {"case_id": 1, "case_uri": uri, "load_id": "load"}
    storage.write_bytes(f"{run}/request.json", encode(Request("import-case", "a", run, arguments)))
    argv = ["import-case", "--request", f"{run}/request.json", "--result", f"{run}/result.json"]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *argv],
        capture_output=True,
        text=True,
        check=True,
        env={"RADIANT_HOME": str(home), "PYTHONPATH": str(home)},
    )
    assert decode_result(storage.read_bytes(f"{run}/result.json"), "result").status is Status.SUCCEEDED
    assert "blas threads: 1" in done.stdout
    (line,) = (one for one in done.stdout.splitlines() if one.startswith("modules:"))
    return line.split()[1:]


@pytest.mark.parametrize("name", NOT_NEEDED)
def test_a_small_local_import_loads_no_library_that_it_does_not_need(modules, name):
    found = [one for one in modules if one == name or one.startswith(f"{name}.")]
    assert found == [], NOT_NEEDED[name]


def test_the_list_of_modules_is_that_of_the_whole_job(modules):
    assert {"radiant.worker.import_case", "radiant.lake.stage", "pyarrow.parquet"} <= set(modules)
