"""Demo families: simulated, VEP-annotated, with their truth beside them."""

from radiant.demo.make import make

__all__ = ["make"]
