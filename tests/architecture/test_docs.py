"""The documentation agrees with the code."""

import html
import importlib
import importlib.util
import re
from collections import Counter
from pathlib import Path

import pytest

from radiant.settings import setting_names

REPOSITORY = Path(__file__).parents[2]
PAGES = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")])


def rendered():
    spec = importlib.util.spec_from_file_location("render", REPOSITORY / "docs" / "render.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.PAGES


MADE = [
    "../README.md",
    *(f"{name}.md" for name in ("tables", "settings", "cli", "errors", "costs", "tuning", "params", "telemetry")),
    "annotation.md",
]
"""Pages below `docs` that are made from the code, or have tables that are."""


@pytest.mark.parametrize("name", MADE)
def test_pages_made_from_the_code_are_up_to_date(name):
    assert (REPOSITORY / "docs" / name).read_text() == rendered()[name](), "run `make docs`"


def test_every_made_page_is_in_the_list_and_every_page_with_a_made_table_is_made():
    assert set(rendered()) == set(MADE)
    with_table = {page for page in PAGES if re.search(r"^<!-- made:", page.read_text(), re.MULTILINE)}
    assert with_table <= {(REPOSITORY / "docs" / name).resolve() for name in MADE}


def test_every_page_is_in_the_navigation_and_in_the_list_of_all_pages():
    pages = {page.name for page in (REPOSITORY / "docs").glob("*.md")} - {"pages.md"}
    navigation = (REPOSITORY / "mkdocs.yml").read_text().partition("\nnav:\n")[2]
    assert pages <= set(re.findall(r"[\w-]+\.md", navigation))
    assert pages <= set(re.findall(r"\]\(([\w-]+\.md)\)", (REPOSITORY / "docs" / "pages.md").read_text()))


def test_the_readme_has_its_commands_on_the_first_screen_and_stays_short():
    lines = (REPOSITORY / "README.md").read_text().splitlines()
    assert lines.index("```sh") <= 10
    assert len(lines) <= 50


FOLDERS = r"src|tests|deploy|docker|docs|benchmarks|requirements|examples|dags|\.ci|\.github"
PATHS = re.compile(rf"`((?:{FOLDERS})(?:/[\w.*-]+)+/?|[\w-]+(?:/[\w*-]+)*/[\w*-]+\.py)(?:::[\w.]+)?`")
"""Paths of the repository, and modules as they are named below `src/radiant`."""


def test_every_path_that_a_page_names_exists():
    pages = [page for page in PAGES if page.parent.name != "decisions"]  # they name what was there then
    named = {
        (page.name, path.rstrip("/"))
        for page in pages
        if page.name != "CHANGELOG.md"  # as above
        for path in PATHS.findall(page.read_text())
        if not path.endswith("/.env")  # which `make up` makes
    }
    assert len(named) > 150
    roots = (REPOSITORY, REPOSITORY / "src" / "radiant")
    assert [one for one in named if not any(any(root.glob(one[1])) for root in roots)] == []


NAMES = set(setting_names())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_setting_that_a_page_names_exists(page):
    if page.name == "CHANGELOG.md":
        return  # it names settings of earlier versions
    jobs = {name.replace("_IMPORT_CASE_", "_<JOB>_") for name in NAMES if "_IMPORT_CASE_" in name}
    for name in re.findall(r"RADIANT_[A-Z0-9_<>*]+", html.unescape(page.read_text())):
        if not name.startswith("RADIANT_TEST_"):
            begin = name.partition("*")[0]
            found = any(one.startswith(begin) for one in NAMES) if "*" in name else name in NAMES | jobs
            assert found, f"{page.name} names {name}"


def test_a_number_beside_the_name_of_a_setting_is_its_default():
    settings = (REPOSITORY / "docs" / "settings.md").read_text()
    defaults = dict(re.findall(r"^\| `(RADIANT_\w+)` \| `([^`]*)` \|", settings, re.MULTILINE))
    stated = [
        (page.name, name, float(number.replace(",", "")) * (3600 if unit == " hours" and name.endswith("_S") else 1))
        for page in PAGES
        if page.name != "CHANGELOG.md"  # it has defaults of earlier versions
        for name, number, unit in re.findall(r"`(RADIANT_\w+)` \(([\d,]+)( s| MiB| hours| days)?\)", page.read_text())
    ]
    assert len(stated) > 5
    assert [one for one in stated if float(defaults[one[1]]) != one[2]] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_between_pages_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_test_that_a_page_names_exists():
    there = {
        name
        for file in (REPOSITORY / "tests").rglob("test_*.py")
        for name in re.findall(r"def (test_\w+)", file.read_text())
    }
    pages = [page for page in PAGES if page.name != "CONTRIBUTING.md"]  # it shows how a name reads
    named = {name for page in pages for name in re.findall(r"`(test_\w+)`", page.read_text())}
    assert len(named) > 30
    assert named <= there, f"the documentation names tests that do not exist: {sorted(named - there)}"


ARCHITECTURE = (REPOSITORY / "docs" / "architecture.md").read_text()


def file_named(name: str) -> Path:
    """Return a file that the page names: below `src/radiant`, else of the repository."""
    inside = REPOSITORY / "src" / "radiant" / name
    return inside if inside.exists() else REPOSITORY / name


@pytest.mark.parametrize("place", sorted(set(re.findall(r"`([\w/]+\.py::[\w.]+)`", ARCHITECTURE))))
def test_every_function_that_the_architecture_names_exists(place):
    path, _, name = place.partition("::")
    if path.startswith("dags/"):  # importing one needs Airflow's configuration
        assert re.search(rf"\b{name}\b", file_named(path).read_text())
        return
    module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    found = importlib.import_module(f"radiant.{module}")
    for part in name.split("."):
        found = getattr(found, part)


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`([\w/]+/(?:\w+\.py)?)(?:::[\w.]+)?`", ARCHITECTURE))))
def test_every_file_that_the_architecture_names_exists(path):
    assert file_named(path).exists()


def test_the_walk_names_a_function_at_each_hop():
    hops = re.findall(r"^\| (\d+) \|.*\| (.*) \|$", ARCHITECTURE, re.MULTILINE)
    assert [int(number) for number, _ in hops] == list(range(1, len(hops) + 1))
    assert len(hops) > 10
    assert all("::" in where for _, where in hops)


def test_the_drawn_tree_has_every_package():
    tree = ARCHITECTURE.partition("## The tree")[2].split("```")[1]
    here = [path for path in (REPOSITORY / "src" / "radiant").iterdir() if not path.name.startswith("_")]
    names = {path.name if path.suffix else f"{path.name}/" for path in here} - {"provider_info.py"}
    assert names <= set(tree.split())


def test_a_module_s_name_stands_twice_only_with_its_rule_on_the_page():
    names = Counter(path.name for path in (REPOSITORY / "src").rglob("*.py") if path.name != "__init__.py")
    twice = {name for name, count in names.items() if count > 1}
    table = ARCHITECTURE.partition("## Names that stand twice")[2].partition("## Words")[0]
    assert twice == set(re.findall(r"^\| `(\w+\.py)` \|", table, re.MULTILINE))


def test_no_class_s_name_stands_twice():
    texts = [path.read_text() for path in (REPOSITORY / "src").rglob("*.py")]
    names = Counter(name for text in texts for name in re.findall(r"^class ([A-Z]\w*)", text, re.MULTILINE))
    assert [name for name, count in names.items() if count > 1] == []


def test_no_line_of_the_drawn_tree_stands_twice():
    lines = ARCHITECTURE.partition("## The tree")[2].split("```")[1].splitlines()
    assert [line for line in dict.fromkeys(lines) if lines.count(line) > 1] == []


@pytest.mark.parametrize(
    "page", sorted((REPOSITORY / "docs" / "decisions").glob("*.md")), ids=lambda page: page.name[:4]
)
def test_a_decision_is_one_page_with_its_status_and_the_decision_first(page):
    title, status, first, *_ = re.split(r"\n\n+", page.read_text())
    assert title.startswith(f"# {int(page.name[:4])}. ")
    assert status.startswith(("Status: accepted.", "Status: superseded by ["))
    assert first.startswith("**Decision.**")
    assert len(page.read_text().splitlines()) <= 60
