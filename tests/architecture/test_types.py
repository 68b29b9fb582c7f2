"""Values between packages have types; an object with keys of any name is named once, beside the code that reads it."""

import ast
from pathlib import Path

SOURCES = sorted((Path(__file__).parents[2] / "src").rglob("*.py"))

FOREIGN = {
    "AirflowArguments": "keyword arguments of an Airflow operator",
    "AwsObject": "arguments and answers of AWS",
    "FsspecObject": "a file as fsspec describes it",
    "Handle": "how a platform finds a container again: each has its own keys, no caller reads them",
    "IcebergObject": "Iceberg's metadata",
    "KubeconfigObject": "a kubeconfig",
    "KubernetesObject": "objects of the Kubernetes API",
    "Objects": "a setting that is passed on to the Kubernetes API",
}
"""Names of objects whose keys another project defines, with the reason; each is defined in one module."""


def untyped(annotation: ast.expr | None) -> bool:
    """Return whether a mapping from names to anything stands in an annotation."""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        annotation = ast.parse(annotation.value, mode="eval").body
    return any(
        isinstance(node, ast.Subscript) and ast.unparse(node).endswith(("dict[str, Any]", "Mapping[str, Any]"))
        for node in ast.walk(annotation or ast.Pass())
    )


def is_public(name: str) -> bool:
    return not name.startswith("_") or name.startswith("__")


def signatures(tree: ast.AST, inside: str = ""):
    """Yield name and annotations of each public function, method and field of a class."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and is_public(node.name):
            arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            yield f"{inside}{node.name}", [*(one.annotation for one in arguments), node.returns]
        elif isinstance(node, ast.ClassDef) and is_public(node.name):
            yield from signatures(node, f"{inside}{node.name}.")
        elif isinstance(node, ast.AnnAssign) and inside and is_public(ast.unparse(node.target)):
            yield f"{inside}{ast.unparse(node.target)}", [node.annotation]


def test_no_public_name_takes_or_returns_an_object_of_any_keys():
    found = [
        f"{path.name}: {name}"
        for path in SOURCES
        for name, annotations in signatures(ast.parse(path.read_text()))
        if any(map(untyped, annotations))
    ]
    assert found == []


def test_an_object_of_another_project_is_named_in_one_module_and_listed_here():
    named = [
        ast.unparse(node.targets[0])
        for path in SOURCES
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript) and untyped(node.value)
    ]
    assert sorted(named) == sorted(FOREIGN)


def test_the_check_finds_what_it_forbids():
    bad = "def f(a: dict[str, Any]): ...\nclass C:\n  b: 'Mapping[str, Any]'\n  def g(self) -> dict[str, Any]: ..."
    assert [name for name, kinds in signatures(ast.parse(bad)) if any(map(untyped, kinds))] == ["f", "C.b", "C.g"]
    good = "def _f(a: dict[str, Any]): ...\ndef g(a: dict[str, object]): ..."
    assert [name for name, kinds in signatures(ast.parse(good)) if any(map(untyped, kinds))] == []
