"""What stays after an import: bytes in the object store, the requests that wrote them, log lines."""

import math

from radiant.costs.prices import LogPrices, S3Prices

_GB_S3 = 1 << 30
"""S3 and CloudWatch bill binary gigabytes."""


def storage_month(bytes_: float, prices: S3Prices) -> float:
    """Return what bytes in the object store cost a month; 1 GiB costs 0.023."""
    return bytes_ / _GB_S3 * prices.gb_month


def request_cost(gets: float, puts: float, prices: S3Prices) -> float:
    """Return what requests cost: `gets` GET and HEAD, `puts` PUT, POST, COPY and LIST."""
    return gets / 1000 * prices.get_per_1000 + puts / 1000 * prices.put_per_1000


def log_cost(bytes_: float, months: float, prices: LogPrices) -> float:
    """Return what log lines cost that are stored for some months."""
    return bytes_ / _GB_S3 * (prices.ingest_gb + months * prices.gb_month)


def ranges(bytes_: float, range_bytes: float) -> int:
    """Return the number of GETs that read a file in ranges."""
    return math.ceil(bytes_ / range_bytes)
