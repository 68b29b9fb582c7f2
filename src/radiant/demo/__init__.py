"""Demo families: simulated, VEP-annotated, each with its truth file."""

from radiant.demo.make import make

__all__ = ["make"]
