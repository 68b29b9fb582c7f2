"""Alembic's revisions of the registry, one for each version of its tables; `registry/schema_upgrade.py` runs them.

A revision's id is the number that `radiant_schema` has after it. A revision never changes once it was released.
"""
