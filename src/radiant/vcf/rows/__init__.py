"""Rows of the tables, from the fast path and from the rules."""
