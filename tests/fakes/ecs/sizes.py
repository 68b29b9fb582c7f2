"""What Fargate accepts as the size of a task.

Source: Amazon ECS developer guide, "Task CPU and memory".
"""

from fakes.ecs.errors import refuse

_GB = 1024

FARGATE_MIB = {
    256: [512, 1 * _GB, 2 * _GB],
    512: [gb * _GB for gb in range(1, 5)],
    1024: [gb * _GB for gb in range(2, 9)],
    2048: [gb * _GB for gb in range(4, 17)],
    4096: [gb * _GB for gb in range(8, 31)],
    8192: [gb * _GB for gb in range(16, 61, 4)],
    16384: [gb * _GB for gb in range(32, 121, 8)],
}
"""Memory sizes in MiB that go with each number of CPU units."""


def cpu_units(text: str) -> int:
    """Return the CPU units of `1024`, `1 vCPU` or `1 vcpu`."""
    return _amount(text, "cpu", "vcpu", 1024)


def memory_mib(text: str) -> int:
    """Return the MiB of `2048`, `2 GB` or `2GB`."""
    return _amount(text, "memory", "gb", _GB)


def check_fargate(cpu: str | None, memory: str | None) -> tuple[int, int]:
    """Return CPU units and MiB, or refuse as the service does."""
    if not cpu or not memory:
        refuse(
            "Fargate requires task definition to have execution role ARN and task level cpu and memory.",
            "ClientException",
        )
    units, mib = cpu_units(cpu), memory_mib(memory)
    if mib not in FARGATE_MIB.get(units, []):
        msg = f"No Fargate configuration exists for given values: {units} CPU, {mib} memory."
        refuse(f"{msg} See the Amazon ECS documentation for the valid values.", "ClientException")
    return units, mib


def _amount(text: str, name: str, unit: str, scale: int) -> int:
    lower = str(text).strip().lower()
    try:
        if lower.endswith(unit):
            return int(float(lower.removesuffix(unit)) * scale)
        return int(lower)
    except ValueError:
        refuse(f"Invalid '{name}' setting for task: {text}")
