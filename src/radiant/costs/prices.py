"""The price list as frozen values: `prices.toml` beside this module, or a user's own file with the same keys."""

import dataclasses
import datetime as dt
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from radiant.errors import ConfigError

T = TypeVar("T")

HOURS_PER_MONTH = 730.0
"""As cloud providers count: 365 days / 12."""
DAYS_PER_MONTH = HOURS_PER_MONTH / 24
_WHOLE_FROM = 1000


@dataclass(frozen=True, slots=True)
class FargatePrices:
    """Prices of Fargate tasks; a GB is 1,024 MiB of the task's size."""

    x86_vcpu_hour: float
    x86_gb_hour: float
    arm_vcpu_hour: float
    arm_gb_hour: float
    scratch_gb_hour: float
    """Of each GB above `free_scratch_gb`."""
    free_scratch_gb: float
    spot_discount: float
    """From 0 to 1: what Spot takes off vCPU and memory."""
    minimum_s: float
    """Seconds that a shorter task is billed for."""
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Node:
    """A kind of EC2 instance, on demand."""

    name: str
    hour: float
    vcpu: float
    memory_gib: float


@dataclass(frozen=True, slots=True)
class Ec2Prices:
    """Prices of instances."""

    nodes: tuple[Node, ...]
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EksPrices:
    """Prices of Kubernetes as a service, without its nodes."""

    control_plane_hour: float
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MwaaClass:
    """An environment class of Amazon MWAA."""

    name: str
    environment_hour: float
    """With one worker, whose price is part of it."""
    worker_hour: float
    """Of each worker beside the first."""
    vcpu: float
    """Of one worker."""
    memory_gib: float
    """Of one worker."""
    tasks: int
    """Tasks at once on one worker, by default."""


@dataclass(frozen=True, slots=True)
class MwaaPrices:
    """Prices of Airflow as a service."""

    classes: tuple[MwaaClass, ...]
    """In ascending order."""
    database_gb_month: float
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class S3Prices:
    """Prices of the object store, standard class."""

    gb_month: float
    put_per_1000: float
    """PUT, COPY, POST, LIST."""
    get_per_1000: float
    """GET, HEAD and the rest."""
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LogPrices:
    """Prices of CloudWatch Logs."""

    ingest_gb: float
    gb_month: float
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NetworkPrices:
    """Prices of the network between a private subnet and the image registry."""

    nat_gb: float
    """Of each GB through a NAT gateway."""
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Prices:
    """A dated price list."""

    name: str
    date: dt.date
    left_out: tuple[str, ...]
    """What has no price here because none was found reliably."""
    fargate: FargatePrices
    ec2: Ec2Prices
    eks: EksPrices
    mwaa: MwaaPrices
    s3: S3Prices
    logs: LogPrices
    network: NetworkPrices

    def node(self, name: str) -> Node:
        """Return the kind of instance of that name.

        Raises:
            ConfigError: the list has none.
        """
        for node in self.ec2.nodes:
            if node.name == name:
                return node
        msg = f"the price list has no node {name!r}; it has {', '.join(node.name for node in self.ec2.nodes)}"
        raise ConfigError(msg)


def read_prices(text: str, where: str) -> Prices:
    """Read a price list; every key of `prices.toml` must be there, and no other.

    Args:
        text: TOML.
        where: Its file, for messages.

    Raises:
        ConfigError: not TOML; a key is missing, is no key of a price list, or has a value of another type.
    """
    return read_table(Prices, text, where)


@cache
def built_in_prices() -> Prices:
    """Return the price list that comes with radiant."""
    text = resources.files("radiant.costs").joinpath("prices.toml").read_text(encoding="utf-8")
    return read_prices(text, "prices.toml")


def read_table(kind: type[T], text: str, where: str) -> T:
    """Read a frozen dataclass, nested ones included, from TOML.

    Raises:
        ConfigError: as of `read_prices`.
    """
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        msg = f"{where}: is not TOML: {error}"
        raise ConfigError(msg) from None
    return _value(kind, found, where)


def _value(kind: Any, found: object, where: str) -> Any:
    if dataclasses.is_dataclass(kind) and isinstance(found, Mapping):
        return _object(kind, found, where)
    if get_origin(kind) is tuple and isinstance(found, list):
        item = get_args(kind)[0]
        return tuple(_value(item, one, f"{where}[{index}]") for index, one in enumerate(found))
    if kind is float and isinstance(found, int | float) and not isinstance(found, bool):
        if found >= 0:
            return float(found)
        msg = f"{where}: is {found}, and a price or an amount is at least 0"
        raise ConfigError(msg)
    if isinstance(kind, type) and type(found) is kind:
        return found
    named = "a table" if dataclasses.is_dataclass(kind) else "a list" if get_origin(kind) is tuple else kind.__name__
    msg = f"{where}: is {found!r}, expected {named}"
    raise ConfigError(msg)


def _object(kind: Any, found: Mapping[str, object], where: str) -> Any:
    fields = {one.name: one for one in dataclasses.fields(kind)}
    required = {name for name, one in fields.items() if one.default is dataclasses.MISSING}
    missing, unknown = sorted(required - found.keys()), sorted(found.keys() - fields.keys())
    if missing or unknown:
        msg = (
            f"{where}: {', '.join(f'{name} is missing' for name in missing)}"
            f"{'; ' * bool(missing and unknown)}{', '.join(f'{name} is no key' for name in unknown)}. "
            "Compare it with the prices.toml that comes with radiant.costs"
        )
        raise ConfigError(msg)
    kinds = get_type_hints(kind)
    return kind(**{name: _value(kinds[name], value, f"{where}: {name}") for name, value in found.items()})


def dollars(amount: float | None) -> str:
    """Return an amount: $0.000082, $0.0045, $2.75, $182.50, $1,234; a dash for None."""
    if amount is None:
        return "-"
    if amount < 0:
        return f"-{dollars(-amount)}"
    if amount >= _WHOLE_FROM:
        return f"${amount:,.0f}"
    if amount >= 1 or not amount:
        return f"${amount:,.2f}"
    # Four places show 1 % of a cent; of less than that two digits are shown.
    places = 4 if amount >= 0.0001 else 1 - math.floor(math.log10(amount))  # noqa: PLR2004 - see above
    return f"${amount:.{places}f}"
