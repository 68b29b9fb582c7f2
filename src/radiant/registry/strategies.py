"""The strategies that the settings add to the built-in ones."""

from radiant.domain.partition import Strategy, strategy_table
from radiant.settings import Settings


def configured_strategies(settings: Settings) -> dict[str, Strategy]:
    """Return range and limit of every strategy by name, the built-in ones first.

    Raises:
        ConfigError: a configured range is not aligned, overlaps another, or lies outside the 32-bit column.
    """
    return strategy_table(
        {
            name: Strategy(configured.first_part, configured.tasks_per_part)
            for name, configured in settings.registry.strategies.items()
        }
    )
