"""Hides pandas, which Arrow loads where it is, as some peer needs it: the importer's image has none."""

raise ModuleNotFoundError(name="pandas")
