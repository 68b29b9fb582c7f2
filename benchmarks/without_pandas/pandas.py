"""Hides pandas, which some peers need and Arrow loads where it is installed: the importer's image has none."""

raise ModuleNotFoundError(name="pandas")
