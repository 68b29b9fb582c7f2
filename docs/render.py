"""Writes the pages that are made from the code: `tables.md` and `settings.md`. Run it by `make docs`."""

import ast
import inspect
import itertools
import re
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from radiant import errors
from radiant.domain.tables import TABLES
from radiant.jobs.catalogue import JOBS
from radiant.settings import PREFIX, Settings

FOLDER = Path(__file__).parent

TABLES_HEAD = """\
# The tables

Made from `src/radiant/domain/tables.py` and `entry_columns.py` by `make docs`.

Coordinates are 1-based and inclusive, as in VCF. Chromosomes are written without `chr`, the mitochondrial one as `M`.
Missing is null, never 0. Every table is an Iceberg table partitioned by `part`. A data file holds the rows of one case;
only `case_load` has one file for all cases of a part.

Rows have the order stated with each table, in the files of `radiant vcf convert` too. It is the order of the
VCF, whose contigs need not be sorted by name, and `start` differs from POS where an allele was trimmed: sort where the
order matters. The tables ask other engines to sort by chromosome, start, reference and alternate.

*per* is what a value varies by: it is the same in all rows of one case, member, line of the VCF, allele (one ALT of a
line), sample (a member's genotype of a line), transcript (an effect on one transcript) or entry of the annotator; or
each row has its own.

**What a reader sees.** Several tables cannot be committed in one step, so `case_load` is committed last and alone makes
a case visible: its row names the snapshot of each table that holds the case's rows. `radiant variants` reads them
there. A reader of your own joins `case_load` on `case_id`, or reads at its snapshots; a case without a row there is
not imported, whatever the other tables hold.
"""

SETTINGS_HEAD = """\
# Settings and exit codes

Made from `src/radiant/settings.py` and `src/radiant/errors.py` by `make docs`.

Environment variables, all with the prefix `RADIANT_`; a double underscore goes into a group. `radiant config` prints
the effective values, passwords masked. A `RADIANT_*` variable that is not in this list is an error; an empty one counts
as unset. The Iceberg catalog itself is configured as PyIceberg does it, by `PYICEBERG_CATALOG__<NAME>__*` or
`.pyiceberg.yaml`.

| variable | default | meaning |
|---|---|---|
"""

ERRORS_HEAD = """
## Object stores

VCF and pedigree, documents (`RADIANT_WORK_URI`) and tables (`RADIANT_LAKE__WAREHOUSE`) may each be at an `s3://` URI.
Both sides need the extra `radiant[s3]`, and the standard variables of Amazon's clients, or a role that the platform
gives:

| variable | meaning |
|---|---|
| `AWS_ENDPOINT_URL` | the store's address where it is not Amazon's, for example `http://minio:9000` |
| `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN` | credentials; or `AWS_PROFILE`, or a role |
| `AWS_DEFAULT_REGION` | region of the buckets |

A container started by an operator gets them from the platform (a Secret, a task role); they are never in
a request. An object is read in ranges of up to 2 MiB, two ahead of the reader (6 MiB of memory), without an index and
without a copy on disk. All ranges are of the version that was opened: an object that is replaced while it is read fails
the import as transient (75), and the next try reads the new one. A range that breaks off is requested four times.

Tables are read and written by the same client where the catalog's `warehouse` is an `s3://` URI. Where PyIceberg's
configuration names none, PyIceberg takes Arrow's client, which ignores `AWS_ENDPOINT_URL`: set
`PYICEBERG_CATALOG__<NAME>__PY_IO_IMPL=pyiceberg.io.fsspec.FsspecFileIO` then.

## Exit codes

Of `radiant` and of `radiant-worker`, after BSD `sysexits.h`.

| code | meaning | retried |
|---|---|---|
| 0 | done | |
| 2 | the command line itself is wrong: an unknown option, a missing one | never |
| 65 | bad input: a file, a pedigree, a sheet, a case number | never |
| 70 | a bug, or an impossible state | never |
| 75 | transient: storage, registry, a conflicting commit, a drained machine | yes |
| 78 | configuration | never |
| 130, 143 | Ctrl-C or SIGTERM ended `radiant run` before its summary | |

## The errors behind them

"""


def tables_page() -> str:
    """Return `tables.md`."""
    parts = [TABLES_HEAD]
    for table in TABLES.values():
        parts.append(f"\n## {table.name}\n\n{table.doc} {table.order}\n\n")
        parts.append("| column | type | null | per | meaning |\n|---|---|---|---|---|\n")
        parts += [
            f"| `{one.name}` | {one.type} | {'' if one.required else 'yes'} | {one.per} | {one.doc} |\n"
            for one in table.columns
        ]
    return "".join(parts)


def settings_page() -> str:
    """Return `settings.md`."""
    tree = re.search(r"```\n.*?```", errors.__doc__ or "", re.DOTALL)
    return SETTINGS_HEAD + "".join(_rows(Settings, PREFIX)) + ERRORS_HEAD + (tree.group(0) if tree else "") + "\n"


def _rows(model: type[BaseModel], prefix: str) -> Iterator[str]:
    meanings = _docstrings(model)
    for name, info in model.model_fields.items():
        kind = info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _rows(kind, f"{prefix}{name.upper()}__")
        else:
            found = _of_the_catalogue(prefix, name) if info.default is None else info.default
            found = ",".join(found) if isinstance(found, tuple) else found
            default = "" if found is None or not str(found) else f"`{found}`"
            meaning = " ".join(meanings[name].split())
            yield f"| `{prefix}{name.upper()}` | {default} | {meaning} |\n"


def _docstrings(model: type[BaseModel]) -> dict[str, str]:
    """Return the docstring below each attribute, which pydantic would read at every start.

    A setting without one is a KeyError in the page.
    """
    found: dict[str, str] = {}
    for kind in model.__mro__:
        if kind.__module__.startswith("radiant."):
            (body,) = (one.body for one in ast.parse(inspect.getsource(kind)).body if isinstance(one, ast.ClassDef))
            for field, text in itertools.pairwise(body):
                match field, text:
                    case ast.AnnAssign(target=ast.Name(name)), ast.Expr(value=ast.Constant(str(words))):
                        found.setdefault(name, words)
    return found


def _of_the_catalogue(prefix: str, name: str) -> object:
    """Return the job catalogue's value that a setting overrides."""
    job = prefix.removeprefix(f"{PREFIX}JOBS__").removesuffix("__").lower().replace("_", "-")
    spec = JOBS.get(job)
    return getattr(spec, name, getattr(spec.resources, name, None)) if spec else None


PAGES = {"tables.md": tables_page, "settings.md": settings_page}


def main() -> None:
    """Write the pages."""
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
