"""Writes what is made from the code: whole pages of the reference, and tables in pages with words of their own.

Run it by `make docs`.
"""

import ast
import dataclasses
import inspect
import itertools
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption
from typer.main import get_command

from radiant import errors
from radiant.cli import cost_text
from radiant.cli.costs import workload_of
from radiant.cli.main import app
from radiant.costs.compare import Comparison, Place, compare
from radiant.costs.prices import Prices, built_in_prices, dollars
from radiant.costs.workload import Workload, built_in_figures
from radiant.domain.columns import Column
from radiant.domain.entry_columns import ENTRY_FIELDS
from radiant.domain.tables import TABLES
from radiant.jobs.catalogue import JOBS
from radiant.jobs.reasons import Reason, Retry
from radiant.settings import PREFIX, Settings, load_settings
from radiant.tenant_settings import Tenant
from radiant.worker.metrics import METRICS, Instrument, Metric

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
there. A reader of your own takes the views of `radiant sql`, joins `case_load` on `part` and `case_id`, or reads at its
snapshots; a case without a row there is not imported, whatever the other tables hold. [Reading the tables](reading.md)
shows it in PyIceberg, DuckDB, polars and Spark.
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

TENANT_HEAD = """
## A tenant

An entry of `RADIANT_TENANTS`, by the tenant's name: 1 to 30 lower-case letters and digits, a letter first. Everything
that an entry does not name is the installation's. [Tenants](tenants.md) shows how a centre is added.

| key | meaning |
|---|---|
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

Tables are read and written by the same client, unless `PYICEBERG_CATALOG__<NAME>__PY_IO_IMPL` names another:
[catalogs](lake.md#catalogs-and-stores).

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
            f"| `{one.name}` | {one.type} | {'' if one.required else 'yes'} | {one.per} | {one.doc}{_stored(one)} |\n"
            for one in table.columns
        ]
    return "".join(parts)


def _stored(column: Column) -> str:
    if not column.stored:
        return " Computed by readers, not stored: [decision 21](decisions/0021-locus-and-its-hash-are-computed.md)."
    if column.same_as is not None:
        return (
            " Readers of radiant and the views of `radiant sql` return the value: "
            "[decision 30](decisions/0030-source-columns-are-stored-where-they-differ.md)."
        )
    return ""


def settings_page() -> str:
    """Return `settings.md`."""
    tree = re.search(r"```\n.*?```", errors.__doc__ or "", re.DOTALL)
    meanings = _docstrings(Tenant)
    tenant = "".join(f"| `{name}` | {' '.join(meanings[name].split())} |\n" for name in Tenant.model_fields)
    parts = (SETTINGS_HEAD, *_rows(Settings, PREFIX), TENANT_HEAD, tenant, ERRORS_HEAD)
    return "".join(parts) + (tree.group(0) if tree else "") + "\n"


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


CENTRES = (2, 20, 200)
"""Cases a day that `costs.md` answers for."""
_DAYS = 365


def costs_page() -> str:
    """Return `costs.md`: its own words, with each block `<!-- made: name -->` filled from the model."""
    prices, figures = built_in_prices(), built_in_figures()
    node = prices.node(Settings().costs.node)
    centres = {per_day: compare(_genomes(per_day), prices, figures, node) for per_day in CENTRES}
    cut = {per_day: compare(_genomes(per_day, 1, 768), prices, figures, node) for per_day in CENTRES}
    middle = centres[20]
    blocks = {
        "answer": _answer(centres),
        "centre": _table(
            ("", "per case", "per month", f"all {middle.workload.cases:,}", "what it is"),
            cost_text.option_rows(middle),
        ),
        "everywhere": _list(cost_text.everywhere_lines(middle)),
        "break-even": _list(cost_text.break_even_lines(middle)),
        "mwaa": _list(cost_text.mwaa_lines(middle)),
        "cut": _answer(cut),
        "assumptions": _list(cost_text.assumption_lines(middle, prices, figures)),
        "prices": _prices(prices),
    }
    return _page("costs.md", blocks)


def _genomes(per_day: int, cpu: float | None = None, memory_mib: int | None = None) -> Workload:
    """Return the genomes of a year, with what an import requests by default unless it is given."""
    settings = load_settings({})
    return workload_of(
        settings, cases=_DAYS * per_day, per_day=per_day, records=5_000_000, cpu=cpu, memory_mib=memory_mib
    )


def _answer(centres: dict[int, Comparison]) -> str:
    rows: list[tuple[str, ...]] = []
    for per_day, one in centres.items():
        mwaa, fargate, spot = (one.option(place).month for place in (Place.MWAA, Place.FARGATE, Place.SPOT))
        saved = (mwaa or 0) - (fargate or 0)
        rows.append(
            (
                str(per_day),
                f"{dollars(mwaa)} ({one.option(Place.MWAA).note})",
                dollars(fargate),
                dollars(spot),
                dollars(saved) if saved >= 0 else f"-{dollars(-saved)}",
                dollars(one.everywhere.storage_month * one.workload.cases),
            )
        )
    heads = ("cases a day", "MWAA workers", "Fargate", "Fargate Spot", "saved by Fargate", "storage")
    return _table(heads, rows)


def _prices(prices: Prices) -> str:
    found = dataclasses.asdict(prices)
    rows: list[tuple[str, ...]] = []
    for group, values in found.items():
        if isinstance(values, dict):
            source = "; ".join(values["sources"])
            rows += [(f"`{group}`", name, text, source) for name, text in _flat(values)]
    head = f"{prices.name}; list of {prices.date}. Without a price: {', '.join(prices.left_out)}.\n\n"
    return head + _table(("", "price", "$", "found in"), rows)


def _flat(values: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, float):
            yield f"`{name}`", f"{value:g}"
        elif name != "sources":
            for one in value:
                yield (
                    one["name"],
                    ", ".join(f"{key} {number:g}" for key, number in one.items() if key != "name"),
                )


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    numbers = "|".join("---" if head in {"", "what it is", "price", "found in"} else "---:" for head in heads)
    return f"| {' | '.join(heads)} |\n|{numbers}|\n" + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _list(lines: Iterable[str]) -> str:
    return "".join(f"- {line}\n" for line in lines)


def _page(name: str, blocks: Mapping[str, str]) -> str:
    """Return a page with each block `<!-- made: name -->` filled; a block that the page lacks is a ValueError."""
    text = (FOLDER / name).read_text(encoding="utf-8")
    for block, made in blocks.items():
        begin, end = f"<!-- made: {block} -->", "<!-- end -->"
        before, found, rest = text.partition(begin)
        _, ended, after = rest.partition(end)
        if not (found and ended):
            msg = f"{name} has no block {block!r}"
            raise ValueError(msg)
        text = f"{before}{begin}\n\n{made}\n{end}{after}"
    return text


def tuning_page() -> str:
    """Return `tuning.md`: what jobs request, and what an import was measured to use."""
    figures = built_in_figures().import_case
    jobs = _table(
        ("", "cores", "memory, MiB", "disk, GiB", "time-out, s", "retries"),
        [
            (f"`{one.name}`", f"{one.resources.cpu:g}", f"{one.resources.memory_mib:,}", str(one.resources.scratch_gib),
             f"{one.timeout_s:,}", str(one.retries))
            for one in JOBS.values()
        ],
    )  # fmt: skip
    measured = [
        (
            f"a million records: {figures.wall_s_per_million_one_core:g} s with one core, "
            f"{figures.wall_s_per_million_two_cores:g} s with two, {figures.cpu_s_per_million:g} CPU s"
        ),
        f"start and end of an import: {figures.start_s:g} s",
        f"memory: at most {figures.peak_memory_mib:g} MiB, with one or two processes",
        f"source: [performance](performance.md), {figures.source.partition(', ')[2]}",
    ]
    return _page("tuning.md", {"jobs": jobs, "measured": _list(measured)})


CLI_HEAD = """\
# The command line

Made from `src/radiant/cli` by `make docs`: the help of each command. Exit codes: [settings](settings.md#exit-codes).
"""


def cli_page() -> str:
    """Return `cli.md`."""
    parts = [CLI_HEAD]
    for words, command in _commands(("radiant",), get_command(app)):
        arguments = [one for one in command.params if isinstance(one, TyperArgument)]
        usage = " ".join([*words, "[OPTIONS]", *(_placeholder(one) for one in arguments)])
        parts.append(f"\n## {' '.join(words)}\n\n```text\n{usage}\n```\n\n{_prose(command.help or '')}\n")
        rows = [_parameter(one) for one in command.params if isinstance(one, TyperArgument | TyperOption)]
        if rows:
            parts.append("\n" + _table(("", "default", "meaning"), rows).replace("---:", "---"))
    return "".join(parts)


def _commands(
    words: tuple[str, ...], command: TyperCommand | TyperGroup
) -> Iterator[tuple[tuple[str, ...], TyperCommand]]:
    if isinstance(command, TyperGroup):
        for name, one in sorted(command.commands.items()):
            yield from _commands((*words, name), one)
    else:
        yield words, command


def _parameter(one: TyperArgument | TyperOption) -> tuple[str, str, str]:
    names = ", ".join(f"`{name}`" for name in one.opts) if isinstance(one, TyperOption) else f"`{_placeholder(one)}`"
    default = "" if one.default in {None, False} or callable(one.default) else f"`{one.default}`"
    return names, default, _prose(one.help or "")


def _placeholder(one: TyperArgument) -> str:
    return one.metavar or str(one.name).upper()


def _prose(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


ERRORS_PAGE_HEAD = """\
# Errors by name

Made from `src/radiant/errors.py` and `src/radiant/jobs/reasons.py` by `make docs`. The name stands at the
beginning of a reason: in the verdict of a run, in a task's log, in `radiant cases show`, in `outcome.json`.

| to find out | look at |
|---|---|
| which cases failed, and why | the log of the task `verdict`; it names the place of the run's [report](report.md) |
| why this case failed, now and before | `radiant cases show N`, or its page in [Airflow's UI](ui.md) |
| what the job did before | the log of its task; if lines are missing, `worker.log.gz` in the folder that it names |
| which lines are wrong | the table `germline_snv_quarantine`, after an import with `RADIANT_VCF__TOLERATE` |
| whether the installation is as it must be | `radiant doctor` |

Then correct what the reason names, and [clear the task](dags.md#after-a-repair) or trigger `import-radiant` again.

## Errors of radiant

| name | exit code | retried | means | what to do |
|---|---|---|---|---|
"""

REASONS_HEAD = """
## Reasons of a job that left no result

What the platform did to a job's process, pod or task. *Retried* is what happens without you, as often as the job's
`RETRIES` allow.

| name | retried | means | what to do |
|---|---|---|---|
"""

REMEDIES = {
    "Bug": "Report it with the log",
    "Config": "Correct the setting that the message names; [settings](settings.md) lists all",
    "Tenant": "Name the tenant: `RADIANT_TENANT` for a command, the param `tenant` for a run; [tenants](tenants.md)",
    "BadInput": "Correct the file or value that the message names; the case is due when a file of it changes",
    "VcfFormat": "Correct the lines that the message lists, or set `RADIANT_VCF__TOLERATE`; [rules](vcf-reading.md)",
    "VcfTruncated": "Copy the file again and compare checksums",
    "SampleMismatch": "`radiant cases add --case N` names both sides: correct the pedigree, or rename the samples",
    "Pedigree": "Correct the line of the PED file that the message names; [the columns](sample-sheet.md)",
    "Storage": "Nothing at first; if each try fails, look at disk, network and object store",
    "Terminated": "Nothing, unless it repeats: then see which platform stops its machines",
    "DamagedFile": "Put the file that the message names back from a copy of the store, or restore a backup",
    "Lake": "Look at the catalog and at the message of PyIceberg",
    "SchemaMismatch": "The table was changed by something else, or by a newer radiant: use one version for all jobs",
    "CommitConflict": "Nothing: the commit is repeated",
    "CommitUnknown": "Nothing: another try finds what landed by its token. If each fails: does the catalog answer?",
    "LakeUnavailable": "See whether the catalog runs and is reached from the jobs",
    "Registry": "Read the message; the database is not what this version of radiant expects",
    "CaseNotFound": "`radiant cases list` shows the numbers",
    "CaseState": "Trigger import-radiant for the case, or clear the task with Downstream, as the message says",
    "Partition": "`radiant cases show N` lists ids and parts: correct ids that two families share by mistake",
    "RegistryUnavailable": "See whether the database runs and is reached from the jobs",
    "Airflow": "Read the message of Airflow below it",
    "AirflowUnavailable": "Start `radiant run` again; the log of Airflow is below the home folder",
    "Job": "Read the job's own log",
    "Lost": "Look at the reason beside it, below",
    "NotYet": "Wait, or raise the quota or capacity that the message names",
    "Refused": "Correct the setting, image or right that the message names",
    "PlatformUnavailable": "See whether Kubernetes or ECS answers; the container goes on meanwhile",
    "Protocol": "Use one version of radiant for Airflow and for the image of the jobs",
}
"""What to do about each error, by its code."""

RETRIES = {
    Retry.NEVER: "never",
    Retry.IF_TRANSIENT: "unless it is permanent",
    Retry.ONCE: "once",
    Retry.WITH_MORE_MEMORY: "with more memory",
}


def errors_page() -> str:
    """Return `errors.md`."""
    found = [errors.RadiantError, *_errors_below(errors.RadiantError)]
    rows = [
        (
            f"`{one.code}`",
            str(one.exit_code),
            "yes" if one.retryable else "",
            _prose(one.__doc__ or ""),
            REMEDIES[one.code],
        )
        for one in found
        if one is not errors.JobFailedError  # it has the code of the job's own error
    ]
    reasons = [(f"`{one}`", RETRIES[one.retry], _braces(one.sentence), _braces(one.hint)) for one in Reason]
    lines = (f"| {' | '.join(row)} |\n" for row in rows)
    return ERRORS_PAGE_HEAD + "".join(lines) + REASONS_HEAD + "".join(f"| {' | '.join(row)} |\n" for row in reasons)


def _errors_below(kind: type[errors.RadiantError]) -> Iterator[type[errors.RadiantError]]:
    for one in kind.__subclasses__():
        yield one
        yield from _errors_below(one)


def _braces(text: str) -> str:
    """Replace what a message fills in: `{job}` begins the settings of a job."""
    text = text.replace("{job}", "RADIANT_JOBS__<JOB>__").replace("{limit_mib}", "N").replace("{grown_mib}", "M")
    return _prose(re.sub(r"\{(peak|changed)\}", "", text).replace("{seconds}", "N"))


PARAMS_HEAD = """\
# Params of the DAGs

Made from `dags/` by `make docs`. A run is started with params by the form of *Trigger* in Airflow's UI, or by

```sh
airflow dags trigger import-radiant --conf '{"cases": "100-120"}'
airflow dags trigger maintain-tables --conf '{"dry_run": true}'
```

or by Airflow's API: `POST /api/v2/dags/import-radiant/dagRuns` with the body
`{"logical_date": null, "conf": {"cases": "100-120"}}`. A value that breaks a rule is refused before a run starts.
[The DAGs and their jobs](dags.md) describes what each does.

Where [several centres](tenants.md) share the Airflow, each DAG except `maintain-tables` has the param `tenant`:
required, one of their names.
"""


def params_page() -> str:
    """Return `params.md`, from the DAGs as Airflow reads them."""
    from airflow.dag_processing.dagbag import DagBag  # noqa: PLC0415 - Airflow writes into its home at once

    bag = DagBag(str(FOLDER.parent / "dags"))
    if bag.import_errors:
        raise ValueError(bag.import_errors)
    parts = [PARAMS_HEAD]
    for dag in sorted(bag.dags.values(), key=lambda one: one.dag_id.lower()):
        parts.append(f"\n## {dag.dag_id}\n\n{dag.description}.\n\n")
        found = {name: dag.params.get_param(name) for name in dag.params}
        rows = [
            (f"`{name}`", _form(one.schema), _default(one.value, one.schema), _prose(one.description or ""))
            for name, one in found.items()
        ]
        parts.append(
            _table(("param", "is", "default", "meaning"), rows).replace("---:", "---") if rows else "No params.\n"
        )
    return "".join(parts)


def _form(schema: Mapping[str, Any]) -> str:
    """Return what values a JSON schema takes, in words."""
    if "enum" in schema:
        return ", ".join(f"`{one}`" for one in schema["enum"])
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    least = f" from {schema['minimum']} on" if "minimum" in schema else ""
    names = {
        "integer": f"a whole number{least}",
        "string": "a text of numbers and ranges" if "pattern" in schema else "a text",
        "array": f"a list of whole numbers from {schema.get('items', {}).get('minimum')} on",
        "boolean": "`true` or `false`",
    }
    return ", ".join(names[kind] for kind in kinds if kind != "null")


def _default(value: object, schema: Mapping[str, Any]) -> str:
    """Return a param's default; a param whose schema does not allow None has to be given where it has none."""
    if isinstance(value, str | bool | int):
        return f"`{str(value).lower()}`"
    return "empty" if "null" in schema["type"] else "must be given"


def telemetry_page() -> str:
    """Return `telemetry.md`: the metrics of the jobs."""
    rows = [
        (f"`{one.name}`", f"`{_in_prometheus(one)}`", str(one.kind), ", ".join(one.labels), one.meaning)
        for one in METRICS
    ]
    table = _table(("metric", "in Prometheus", "kind", "labels", "is"), rows).replace("---:", "---")
    return _page("telemetry.md", {"metrics": table})


def _in_prometheus(metric: Metric) -> str:
    """Return the name that Prometheus and the collector make of an OTLP metric's: its unit and kind are suffixes."""
    unit = {"s": "_seconds", "By": "_bytes"}.get(metric.unit, "")
    return metric.name.replace(".", "_") + unit + ("_total" if metric.kind is Instrument.COUNTER else "")


def annotation_page() -> str:
    """Return `annotation.md`: which field of each annotator becomes which column."""
    fields = [
        (f"`{name}`", *(f"`{one}`" if one else "" for one in (field.vep, field.snpeff, field.bcftools)))
        for name, field in ENTRY_FIELDS.items()
    ]
    table = _table(("column", "VEP", "SnpEff", "`bcftools csq`"), fields).replace("---:", "---")
    return _page("annotation.md", {"fields": table})


def readme_page() -> str:
    """Return `README.md`: what an import costs."""
    found = compare(_genomes(20), built_in_prices(), built_in_figures(), built_in_prices().node(Settings().costs.node))
    fargate, spot = found.option(Place.FARGATE), found.option(Place.SPOT)
    cost = (
        f"Importing a genome's trio of {found.workload.records:,} records costs {dollars(fargate.per_case)} on Fargate,"
        f" {dollars(spot.per_case)} on Fargate Spot;\n20 a day cost {dollars(fargate.month)} a month. Airflow itself"
        f" costs {dollars(found.everywhere.airflow_month)} a month as the smallest MWAA environment,\nand storage soon"
        " costs more than importing. [Costs](docs/costs.md) has the model, other places, and when containers\n"
        "are not cheaper.\n"
    )
    return _page("../README.md", {"cost": cost})


PAGES = {
    "../README.md": readme_page,
    "tables.md": tables_page,
    "settings.md": settings_page,
    "cli.md": cli_page,
    "errors.md": errors_page,
    "costs.md": costs_page,
    "tuning.md": tuning_page,
    "params.md": params_page,
    "telemetry.md": telemetry_page,
    "annotation.md": annotation_page,
}


def main() -> None:
    """Write the pages."""
    with tempfile.TemporaryDirectory(prefix="radiant-docs-") as home:
        os.environ |= {"AIRFLOW_HOME": home, "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING"}
        for name, page in PAGES.items():
            (FOLDER / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
