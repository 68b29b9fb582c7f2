"""Each command that a page shows exists, with its options, and a test runs it or a reason stands here why none does."""

import re
import shlex
from pathlib import Path

import pytest
from typer.core import TyperGroup, TyperOption
from typer.main import get_command

from radiant.cli.main import app

ROOT = get_command(app)
REPOSITORY = Path(__file__).parents[2]
PAGES = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").glob("*.md")])
BLOCK = re.compile(r"^ *```sh\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
HEREDOC = re.compile(r"<<-? *'?(\w+)'?\n.*?^ *\1$", re.MULTILINE | re.DOTALL)
MADE_BY_MAKE = set(re.findall(r"^([a-z0-9-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
ASSIGNMENT = re.compile(r"\w+=")
PROGRAM = re.compile(r"[\w/.-]*[a-z][\w/.-]*")
RUN_BY = {
    "radiant backup": ("integration/test_backup.py", 'radiant("backup"'),
    "radiant cases add": ("unit/cli/test_cases.py", 'run("add", "--sheet"'),
    "radiant cases list": ("unit/cli/test_cases.py", 'run("list", "--format", "csv")'),
    "radiant cases show": ("unit/cli/test_cases.py", 'run("show", "1")'),
    "radiant costs": ("unit/cli/test_costs.py", 'invoke(app, ["costs", *arguments])'),
    "radiant demo make": ("unit/cli/test_demo.py", '["demo", "make", store.uri("demo")'),
    "radiant doctor": ("unit/cli/test_setup.py", 'radiant("doctor")'),
    "radiant ecs deploy": ("unit/cli/test_ecs.py", 'command("deploy", *FIRST'),
    "radiant ecs doctor": ("unit/cli/test_ecs.py", 'command("doctor")'),
    "radiant ecs remove": ("unit/cli/test_ecs.py", 'command("remove", "--name", "leaving", "--yes")'),
    "radiant ecs render": ("unit/cli/test_ecs.py", 'command("render", "poc")'),
    "radiant kube connection": ("unit/cli/test_kube_connection.py", '["kube", "connection", *map(str, arguments)]'),
    "radiant kube doctor": ("cluster/test_doctor.py", "invoke(app, words"),
    "radiant kube render": ("unit/cli/test_kube_render.py", '["kube", "render", "--job", job, *arguments]'),
    "radiant poc": ("cluster/test_minikube.py", '"deploy/kubernetes/minikube.sh"'),
    "radiant report": ("unit/runs/test_run_report.py", 'invoke(app, ["report", RUN'),
    "radiant resources advise": ("integration/test_import_history.py", '["resources", "advise"]'),
    "radiant restore": ("integration/test_backup.py", 'radiant("restore"'),
    "radiant run": ("integration/test_run.py", '"radiant", "run", *arguments]'),
    "radiant tenants costs": ("unit/cli/test_tenants.py", 'printed("costs"'),
    "radiant tenants kubernetes": ("unit/cli/test_tenants.py", 'printed("kubernetes"'),
    "radiant tenants list": ("unit/cli/test_tenants.py", 'printed("list"'),
    "radiant tenants s3": ("unit/cli/test_tenants.py", 'printed("s3"'),
    "radiant tenants sql": ("unit/cli/test_tenants.py", 'printed("sql"'),
    "radiant setup": ("unit/cli/test_setup.py", 'radiant("setup")'),
    "radiant tables": ("unit/cli/test_variants.py", 'run("tables")'),
    "radiant variants": ("unit/cli/test_variants.py", 'run("variants", "--case"'),
    "radiant vcf convert": ("integration/test_own_annotation.py", "shell(convert)"),
    "radiant watch": ("integration/test_import_radiant.py", '"radiant", "watch", *arguments]'),
    "make build-docker-airflow": ("unit/test_image_build.py", '"docker" / "build.sh"'),
    "make build-docker-k8s-operator": ("unit/test_image_build.py", '"docker" / "build.sh"'),
    "make connect": ("cluster/test_airflow_in_docker.py", 'stack(environment, "connect")'),
    "make minikube": ("cluster/test_minikube.py", '"deploy/kubernetes/minikube.sh"'),
    "make run": ("integration/test_run.py", '"radiant", "run", *arguments]'),
    "make setup": ("../.github/workflows/test.yaml", "make setup"),
    "make test": ("../.ci/run", "make test"),
    "make up": ("cluster/test_airflow_in_docker.py", 'stack(environment, "up")'),
}
"""Commands of the blocks of the pages: the file below `tests` that runs each, and the text in it that does.

A target of make is run by its recipe.
"""
_AWS = "needs an AWS account; `radiant ecs` and the templates run against a fake AWS in tests/integration"
_CLUSTER = "needs the reader's cluster; tests/cluster runs what `radiant kube` and `deploy/kubernetes` do on a real one"
_IMAGE = "needs an engine for images; tests/unit/test_image_build.py runs docker/build.sh with a stand-in"
NOT_RUN = {
    "aws": _AWS,
    "kubectl": _CLUSTER,
    "helm": _CLUSTER,
    "minikube": _CLUSTER,
    "airflow": "needs the reader's own Airflow",
    "docker": _IMAGE,
    "podman": _IMAGE,
    "buildah": _IMAGE,
    "git": "clones from a host on the internet, or is the reader's own",
    "apt-get": "changes the reader's machine; .ci/run installs the same packages",
    "pip": "installs into the reader's environment; `make setup` installs the same",
    "uv": "installs into the reader's environment; `make setup` installs the same",
    "pytest": "is this",
    "python": "is a script of the repository with a test of its own",
    "eksctl": _AWS,
    "vep": "needs Ensembl VEP and its cache; the tests read real files that it wrote",
    "snpEff": "needs SnpEff and its database; the tests read entries as it writes them",
    "bcftools": "csq needs a genome; integration/test_own_annotation.py runs annotate",
    "bgzip": "integration/test_own_annotation.py runs it",
    "tabix": "integration/test_own_annotation.py runs it",
    "base64": "is of the shell",
    "openssl": "makes a secret",
    "zip": "packs what the command before it made",
    "cosign": "verifies a release, of which there is none here",
    "gh": "needs the repository's host",
    "psql": "needs the reader's database; tests/contract runs the same statements on one",
    "curl": "asks a server of the reader's",
    **dict.fromkeys(
        [
            "cat",
            "cd",
            "exit",
            "cp",
            "export",
            "ls",
            "mkdir",
            "set",
            "source",
            "tr",
            "head",
            "grep",
            "sed",
            "jq",
            "echo",
            "printf",
            "sha256sum",
            "sudo",
            "sleep",
        ],
        "is of the shell",
    ),
}
"""Programs of others, and why no test runs them as a page has them."""


def commands(text):
    """Yield the commands of a block: without comments, continued lines joined, and what `$(...)` runs."""
    text = re.sub(r"(^|\s)#.*", "", HEREDOC.sub("", text), flags=re.MULTILINE).replace("\\\n", " ")
    for part in re.split(r"\n|&&|\$\(|\|(?!\|)", text):
        try:
            words = shlex.split(part)
        except ValueError:  # a quote that another part closes
            words = re.sub(r"[\"')]", " ", part).split()
        while words and (ASSIGNMENT.match(words[0]) or words[0] == "export"):
            words.pop(0)
        if words and PROGRAM.fullmatch(words[0]):
            yield words


def blocks():
    for page in PAGES:
        text = page.read_text()
        for found in BLOCK.finditer(text):
            yield pytest.param(found[1], id=f"{page.name}:{text[: found.start(1)].count(chr(10)) + 1}")


def problem(words):
    """Return why a command cannot be as it is written, None if it can."""
    program, *rest = words
    if program == "make":
        unknown = [word for word in rest if "=" not in word and word not in MADE_BY_MAKE]
        return f"make has no target {unknown}" if unknown else None
    if Path(program).name != "radiant":
        listed = Path(program).name in NOT_RUN
        return None if listed else f"{program} is not in NOT_RUN: add why no test runs it"
    command, path = ROOT, ["radiant"]
    while isinstance(command, TyperGroup) and rest and rest[0] in command.commands:
        path.append(rest[0])
        command = command.commands[rest.pop(0)]
    options = {name: one for one in command.params if isinstance(one, TyperOption) for name in one.opts}
    given = [word.partition("=")[0] for word in rest if word.startswith("--")]
    unknown = [name for name in given if name not in options and name != "--help"]
    if unknown:
        return f"{' '.join(path)} has no option {', '.join(unknown)}"
    needs_more = isinstance(command, TyperGroup) and not command.invoke_without_command and not given
    return f"{' '.join(path)} needs a command" if needs_more else None


def command_of(words):
    """Return the command without its arguments, None for a program of others."""
    program, *rest = words
    if program == "make":
        return f"make {next(word for word in rest if '=' not in word)}"
    command, path = ROOT, ["radiant"]
    while isinstance(command, TyperGroup) and rest and rest[0] in command.commands:
        path.append(rest[0])
        command = command.commands[rest.pop(0)]
    return " ".join(path) if Path(program).name == "radiant" else None


SHOWN = {command_of(words) for block in blocks() for words in commands(block.values[0])} - {None}


@pytest.mark.parametrize("command", sorted(SHOWN | RUN_BY.keys()))
def test_a_test_runs_each_command(command):
    file, text = RUN_BY[command]
    assert text in (REPOSITORY / "tests" / file).read_text()


def inline():
    for page in PAGES:
        if page.name == "CHANGELOG.md":  # it names commands of earlier versions
            continue
        for found in re.findall(r"`((?:\.venv/bin/)?(?:radiant|make) [^`\n]+)`", BLOCK.sub("", page.read_text())):
            yield pytest.param(found, id=f"{page.name}:{found}")


@pytest.mark.parametrize("text", dict.fromkeys(inline()))
def test_a_command_within_a_sentence_exists(text):
    problems = [one for words in commands(text) if (one := problem(words)) is not None]
    assert problems in ([], [f"{text} needs a command"])


@pytest.mark.parametrize("text", list(blocks()))
def test_every_command_of_a_page_exists_or_is_listed_with_the_reason_why_no_test_runs_it(text):
    assert [one for words in commands(text) if (one := problem(words)) is not None] == []


def test_a_command_that_does_not_exist_is_found():
    assert problem(["make", "nothing"]) == "make has no target ['nothing']"
    assert problem([".venv/bin/radiant", "variants", "--cases", "1"]) == "radiant variants has no option --cases"
    assert problem(["frobnicate"]) == "frobnicate is not in NOT_RUN: add why no test runs it"
    assert problem(["radiant", "cases"]) == "radiant cases needs a command"
    assert problem(["radiant", "cases", "list", "--state=failed"]) is None
