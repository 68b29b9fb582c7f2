"""What moto leaves out when CloudFormation makes a cluster or a task definition: nearly all of their properties."""

import functools
from collections.abc import Callable
from typing import Any

from moto.cloudformation import parsing
from moto.cloudformation.models import Change, ChangeSet
from moto.core.utils import pascal_to_camelcase, remap_nested_keys
from moto.ecs.models import Cluster, EC2ContainerServiceBackend, TaskDefinition, ecs_backends

from fakes.ecs.sizes import check_fargate

_DEFINITION = {
    "Volumes": "volumes",
    "NetworkMode": "network_mode",
    "RequiresCompatibilities": "requires_compatibilities",
    "Cpu": "cpu",
    "Memory": "memory",
    "TaskRoleArn": "task_role_arn",
    "ExecutionRoleArn": "execution_role_arn",
    "RuntimePlatform": "runtime_platform",
    "EphemeralStorage": "ephemeral_storage",
}
"""Properties and the arguments that moto's own RegisterTaskDefinition takes them by."""


def make_moto_keep_properties() -> None:
    """Replace what moto does with a template's ECS resources."""
    for kind, functions in (
        (TaskDefinition, (_define, _redefine, _undefine)),
        (Cluster, (_found, _refound, _dissolve)),
    ):
        for verb, function in zip(("create", "update", "delete"), functions, strict=True):
            setattr(kind, f"{verb}_from_cloudformation_json", staticmethod(function))
    ChangeSet.apply = _apply
    ChangeSet.diff = _diff
    parsing.parse_and_update_resource = functools.partial(_update, parsing.parse_and_update_resource)


def _update(update: Callable[..., Any], logical_id: str, resource_json: Any, resources_map: Any, **where: str) -> Any:
    """Return a changed resource, as it was where moto cannot change it."""
    return update(logical_id, resource_json, resources_map, **where) or resources_map[logical_id]


def _diff(self: ChangeSet) -> list[Change]:
    """Return the changes; moto looks at the template alone, not at its parameters."""
    found = self.stack.resource_map.build_resource_diff(self.template_dict, self.parameters)
    kinds = {name: one["Type"] for name, one in self.template_dict["Resources"].items()}
    return [Change(action, name, kinds.get(name, "")) for action, names in found.items() for name in names]


def _apply(self: ChangeSet) -> None:
    """Apply the change set; moto drops the outputs."""
    stack = self.stack
    stack.template, stack.template_dict, stack.parameters = self.template, self.template_dict, self.parameters
    stack.resource_map.update(self.template_dict, self.parameters)
    stack.output_map = stack._create_output_map()


def _define(
    resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **_: Any
) -> TaskDefinition:
    del resource_name
    properties = _without_no_value(cloudformation_json["Properties"])
    given = {
        argument: remap_nested_keys(properties[name], pascal_to_camelcase)
        for name, argument in _DEFINITION.items()
        if name in properties
    }
    if "FARGATE" in properties.get("RequiresCompatibilities", []):
        check_fargate(properties.get("Cpu"), properties.get("Memory"))
    return _backend(account_id, region_name).register_task_definition(
        properties["Family"],
        remap_nested_keys(properties["ContainerDefinitions"], pascal_to_camelcase),
        tags=[{"key": tag["Key"], "value": tag["Value"]} for tag in properties.get("Tags", [])],
        **given,
    )


def _redefine(
    original_resource: TaskDefinition,
    new_resource_name: str,
    cloudformation_json: Any,
    account_id: str,
    region_name: str,
) -> TaskDefinition:
    # Every change is a new revision; the old one goes.
    _backend(account_id, region_name).deregister_task_definition(original_resource.arn)
    return _define(new_resource_name, cloudformation_json, account_id, region_name)


def _undefine(resource_name: str, cloudformation_json: Any, account_id: str, region_name: str) -> None:
    del cloudformation_json
    _backend(account_id, region_name).deregister_task_definition(resource_name)


def _found(resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **_: Any) -> Cluster:
    properties = cloudformation_json.get("Properties", {})
    return _backend(account_id, region_name).create_cluster(
        resource_name,
        capacity_providers=properties.get("CapacityProviders"),
        default_capacity_provider_strategy=remap_nested_keys(
            properties.get("DefaultCapacityProviderStrategy", []), pascal_to_camelcase
        ),
    )


def _refound(
    original_resource: Cluster, new_resource_name: str, cloudformation_json: Any, account_id: str, region_name: str
) -> Cluster:
    if original_resource.name != new_resource_name:
        _dissolve(original_resource.name, cloudformation_json, account_id, region_name)
    return _found(new_resource_name, cloudformation_json, account_id, region_name)


def _dissolve(resource_name: str, cloudformation_json: Any, account_id: str, region_name: str) -> None:
    del cloudformation_json
    _backend(account_id, region_name).delete_cluster(resource_name)


def _backend(account_id: str, region_name: str) -> EC2ContainerServiceBackend:
    return ecs_backends[account_id][region_name]


def _without_no_value(found: Any) -> Any:
    """Leave out what `AWS::NoValue` stands for."""
    if isinstance(found, dict):
        return {name: _without_no_value(value) for name, value in found.items() if value is not None}
    if isinstance(found, list):
        return [_without_no_value(one) for one in found if one is not None]
    return found
