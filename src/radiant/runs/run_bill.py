"""The bill of attempts: documents, settings and price list put together."""

import datetime as dt
from collections.abc import Iterable

from radiant import storage
from radiant.costs.history import RunBill, bill
from radiant.costs.prices import Node, Prices, built_in_prices, read_prices
from radiant.errors import ConfigError, InputError
from radiant.runs.attempts import AttemptDocuments, cost_attempt
from radiant.settings import Settings


def prices_of(settings: Settings) -> Prices:
    """Return the price list of the settings.

    Raises:
        ConfigError: the file cannot be read, or is no price list.
    """
    if settings.costs.prices is None:
        return built_in_prices()
    uri = storage.to_uri(settings.costs.prices)
    try:
        text = storage.read_bytes(uri).decode()
    except (InputError, UnicodeDecodeError) as error:
        msg = f"RADIANT_COSTS__PRICES: {error}"
        raise ConfigError(msg) from error
    return read_prices(text, uri)


def bill_attempts(
    attempts: Iterable[AttemptDocuments], settings: Settings, prices: Prices, node: Node, now: dt.datetime
) -> RunBill:
    """Return the bill of attempts; one that is still running counts until `now`."""
    return bill([cost_attempt(one, settings, now) for one in attempts], prices, node)
