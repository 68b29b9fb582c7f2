"""The stack of `deploy/ecs/template.yaml`: deployed and changed through a change set, removed again."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from radiant.cli.aws import Aws, code_of
from radiant.errors import ConfigError, PlatformUnavailableError
from radiant.operators.ecs_task.task_status import AwsObject

TEMPLATE = "template.yaml"
_PAUSE_S = 5.0
"""Between two looks at what is under way."""
_LONGEST_S = 30 * 60.0
_NO_CHANGES = ("didn't contain changes", "No updates are to be performed")
_DEAD = frozenset({"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"})


@dataclass(frozen=True, slots=True)
class ResourceChange:
    """One resource that a change set changes."""

    action: str
    """Add, Modify or Remove."""
    resource: str
    """Its name in the template."""
    kind: str
    """`AWS::ECS::Cluster`."""
    replaced: bool
    """It is replaced instead of changed."""


def template_text() -> str:
    """Return the template: from the package, or from the checkout that runs.

    Raises:
        ConfigError: it is in neither.
    """
    here = Path(__file__).parents[1]
    for folder in (here / "deploy" / "ecs", here.parents[1] / "deploy" / "ecs"):
        path = folder / TEMPLATE
        if path.is_file():
            return path.read_text(encoding="utf-8")
    msg = f"{TEMPLATE} is not part of this installation: install radiant from a wheel or a checkout"
    raise ConfigError(msg)


class Stack:
    """One CloudFormation stack."""

    def __init__(self, aws: Aws, name: str) -> None:
        """Store the arguments."""
        self._client = aws.client("cloudformation")
        self._name = name

    def found(self) -> AwsObject | None:
        """Return the stack as CloudFormation describes it, None where there is none."""
        try:
            found: AwsObject = self._client.describe_stacks(StackName=self._name)["Stacks"][0]
        except self._client.exceptions.ClientError as error:
            if code_of(error) == "ValidationError":
                return None
            raise
        return None if found["StackStatus"] in {"REVIEW_IN_PROGRESS", "DELETE_COMPLETE"} else found

    def outputs(self) -> dict[str, str]:
        """Return the stack's outputs, none where there is no stack."""
        found = self.found() or {}
        return {one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", [])}

    def deploy(
        self, template: str, parameters: Mapping[str, str], agreed: Callable[[list[ResourceChange]], bool]
    ) -> bool:
        """Make or change the stack as the template states; return whether there was a change.

        Args:
            template: its text.
            parameters: those that are given; a stack keeps its own value of the others.
            agreed: asked before anything is changed.

        Raises:
            ConfigError: the stack is in a state that nothing but its removal ends, or a change failed.
        """
        found = self.found()
        if found is not None and found["StackStatus"] in _DEAD:
            msg = (
                f"the stack {self._name} is {found['StackStatus']} and cannot be changed: run `radiant ecs remove`, "
                "then deploy again"
            )
            raise ConfigError(msg)
        kind = "CREATE" if found is None else "UPDATE"
        name = f"radiant-{int(time.time() * 1000)}"
        known = {one["ParameterKey"] for one in (found or {}).get("Parameters", [])}
        # A parameter that an earlier version of the template had is no longer one.
        kept = {one for one in known - set(parameters) if f"\n  {one}:\n    Type:" in template}
        asked: dict[str, Any] = {
            "StackName": self._name,
            "ChangeSetName": name,
            "ChangeSetType": kind,
            "TemplateBody": template,
            "Parameters": [
                *({"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()),
                *({"ParameterKey": key, "UsePreviousValue": True} for key in sorted(kept)),
            ],
            "Capabilities": ["CAPABILITY_NAMED_IAM"],
        }
        if found is None:
            asked["OnStackFailure"] = "DELETE"
        try:
            made = self._client.create_change_set(**asked)
        except self._client.exceptions.ClientError as error:
            if any(words in str(error) for words in _NO_CHANGES):
                return False
            raise
        arn: str = made["Id"]
        changes = self._changes(arn)
        if changes is None or not agreed(changes):
            self._client.delete_change_set(ChangeSetName=arn)
            if found is None:
                self._client.delete_stack(StackName=self._name)
            return False
        since = time.time()
        self._client.execute_change_set(ChangeSetName=arn)
        self._wait(f"{kind}_COMPLETE", since, made["StackId"])
        return True

    def remove(self) -> None:
        """Remove the stack and wait until it is gone.

        Raises:
            ConfigError: something of it could not be removed.
        """
        found = self.found()
        if found is None:
            return
        since = time.time()
        self._client.delete_stack(StackName=found["StackId"])
        self._wait("DELETE_COMPLETE", since, found["StackId"])

    def _changes(self, arn: str) -> list[ResourceChange] | None:
        """Return the changes of a change set, None when the stack is as it should be (outputs alone may change)."""
        until = time.monotonic() + _LONGEST_S
        while time.monotonic() < until:
            found = self._client.describe_change_set(ChangeSetName=arn)
            reason = found.get("StatusReason", "")
            if found["Status"] == "FAILED":
                if any(words in reason for words in _NO_CHANGES):
                    return None
                msg = f"CloudFormation refuses the change: {reason}. Correct the options and run the command again"
                raise ConfigError(msg)
            if found["Status"] == "CREATE_COMPLETE":
                return [_change(one["ResourceChange"]) for one in found["Changes"]]
            time.sleep(_PAUSE_S)
        msg = f"CloudFormation has not prepared the change in {_LONGEST_S:.0f} s"
        raise PlatformUnavailableError(msg)

    def _wait(self, wanted: str, since: float, stack_id: str) -> None:
        until = time.monotonic() + _LONGEST_S
        status = ""
        while time.monotonic() < until:
            try:
                status = self._client.describe_stacks(StackName=stack_id)["Stacks"][0]["StackStatus"]
            except self._client.exceptions.ClientError as error:
                if code_of(error) != "ValidationError":
                    raise
                status = "DELETE_COMPLETE"
            if status == wanted:
                return
            if not status.endswith("_IN_PROGRESS"):
                break
            time.sleep(_PAUSE_S)
        causes = "; ".join(self._failures(stack_id, since)) or "see its events in the console"
        msg = f"the stack {self._name} is {status} instead of {wanted}: {causes}"
        raise ConfigError(msg)

    def _failures(self, stack_id: str, since: float) -> list[str]:
        """Return why resources failed, the first cause first."""
        try:
            events = self._client.describe_stack_events(StackName=stack_id)["StackEvents"]
        except self._client.exceptions.ClientError:
            return []
        return [
            f"{one['LogicalResourceId']}: {one.get('ResourceStatusReason', one['ResourceStatus'])}"
            for one in reversed(events)
            if one["ResourceStatus"].endswith("_FAILED")
            and one["Timestamp"].timestamp() >= since - 60  # the clocks differ
            and "cancelled" not in one.get("ResourceStatusReason", "")
        ]


def _change(found: AwsObject) -> ResourceChange:
    return ResourceChange(
        action=found["Action"],
        resource=found["LogicalResourceId"],
        kind=found["ResourceType"],
        replaced=found.get("Replacement") == "True",
    )
