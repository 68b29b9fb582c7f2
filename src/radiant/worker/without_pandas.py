"""Arrow loads pandas, where it is installed, as soon as it makes an array: half a second and 40 MiB for nothing."""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType


class _WithoutPandas(MetaPathFinder):
    """Says that pandas is not installed; Arrow's own code takes None in `sys.modules` for a module."""

    def find_spec(self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError(name=fullname)


def hide_pandas() -> None:
    """Make this process one without pandas; call it before the first array is made."""
    sys.meta_path.insert(0, _WithoutPandas())
