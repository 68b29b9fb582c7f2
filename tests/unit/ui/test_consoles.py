import pytest

from radiant.settings import load_settings
from radiant.ui.consoles import console_of_handle

POD = {"name": "import-case-7", "namespace": "radiant", "uid": "u"}


def test_a_pod_is_seen_by_kubectl_and_by_the_address_of_the_settings():
    plain = console_of_handle("kubernetes", POD, load_settings({}))
    assert (plain.url, plain.command) == (None, "kubectl -n radiant describe pod import-case-7")
    settings = load_settings({"RADIANT_UI__POD_URL": "https://console.example/{namespace}/pods/{pod}"})
    assert console_of_handle("kubernetes", POD, settings).url == "https://console.example/radiant/pods/import-case-7"


@pytest.mark.parametrize(
    ("partition", "host"),
    [("aws", "eu-west-1.console.aws.amazon.com"), ("aws-us-gov", "eu-west-1.console.amazonaws-us-gov.com")],
)
def test_an_ecs_task_is_seen_in_the_console_of_its_partition_and_region(partition, host):
    arn = f"arn:{partition}:ecs:eu-west-1:123456789012:task/radiant/0a1b"
    found = console_of_handle("ecs", {"arn": arn}, load_settings({}))
    path = "ecs/v2/clusters/radiant/tasks/0a1b/configuration?region=eu-west-1"
    assert found.url == f"https://{host}/{path}"


@pytest.mark.parametrize("handle", [{}, {"arn": "arn:aws:ecs"}, {"arn": "arn:other:ecs:r:1:task/a/b"}])
def test_a_task_without_a_readable_address_has_no_link(handle):
    assert console_of_handle("ecs", handle, load_settings({})) is None
