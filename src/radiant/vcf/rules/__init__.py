"""The specification, one value, field or line at a time; no file is read here."""
