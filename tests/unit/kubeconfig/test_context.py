from pathlib import Path

import pytest
import yaml

from radiant.errors import ConfigError
from radiant.kubeconfig import read_context

ONE = {
    "clusters": [{"name": "c", "cluster": {"server": "https://a:1"}}],
    "users": [{"name": "u", "user": {"token": "t"}}],
    "contexts": [{"name": "minikube", "context": {"cluster": "c", "user": "u", "namespace": "n"}}],
    "current-context": "minikube",
}
TWO = {
    "clusters": [
        {"name": "c", "cluster": {"server": "https://b:2"}},
        {"name": "d", "cluster": {"server": "https://d"}},
    ],
    "users": [{"name": "v", "user": {"token": "v"}}],
    "contexts": [{"name": "prod", "context": {"cluster": "d", "user": "v"}}],
    "current-context": "prod",
}


@pytest.fixture
def write(tmp_path):
    def write(name, document) -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(document if isinstance(document, str) else yaml.safe_dump(document))
        return path

    return write


def test_the_current_context_is_taken_and_the_others_are_listed(write):
    found = read_context([write("one", ONE), write("two", TWO)])
    assert (found.name, found.namespace, found.others) == ("minikube", "n", ("prod",))


def test_of_several_files_the_first_definition_counts(write):
    assert read_context([write("one", ONE), write("two", TWO)], "minikube").cluster.values["server"] == "https://a:1"


def test_a_context_of_the_second_file_is_found_and_its_paths_begin_there(write, tmp_path):
    found = read_context([write("one", ONE), write("b/two", TWO)], "prod")
    assert found.cluster.folder == tmp_path / "b"
    assert found.user is not None
    assert found.user.values == {"token": "v"}


def test_files_that_do_not_exist_are_passed_over(write, tmp_path):
    assert read_context([tmp_path / "absent", write("one", ONE)]).name == "minikube"


def test_a_misspelt_context_is_refused_with_the_nearest_and_all_names(write):
    with pytest.raises(ConfigError, match=r"no context 'minikub'; did you mean 'minikube'.*minikube, prod"):
        read_context([write("one", ONE), write("two", TWO)], "minikub")


def test_the_only_context_needs_not_be_current(write):
    assert read_context([write("one", {**ONE, "current-context": ""})]).name == "minikube"


def test_several_contexts_without_a_current_one_must_be_chosen_from(write):
    files = [write("one", {**ONE, "current-context": ""}), write("two", {**TWO, "current-context": ""})]
    with pytest.raises(ConfigError, match="no current context; choose one with --context: minikube, prod"):
        read_context(files)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("", "no current context.*none"),
        ("- a", "must be a YAML object"),
        ("a: [", "cannot be read"),
        ({**ONE, "clusters": "c"}, "`clusters` must be a list"),
        ({**ONE, "clusters": [{"cluster": {}}]}, "`clusters` must be a list of objects with `name`"),
        ({**ONE, "clusters": []}, "names the cluster 'c', which is not there"),
        ({**ONE, "users": None}, "names the user 'u', which is not there"),
        ({**ONE, "current-context": "gone"}, "no context of the name that is current: 'gone'"),
    ],
)
def test_what_is_no_kubeconfig_is_refused_and_says_why(write, document, message):
    with pytest.raises(ConfigError, match=message):
        read_context([write("one", document)])


def test_no_kubeconfig_at_all_says_what_to_do(tmp_path):
    with pytest.raises(ConfigError, match=r"no such kubeconfig.*--kubeconfig.*minikube start"):
        read_context([tmp_path / "absent"])
