"""The `radiant` command."""
