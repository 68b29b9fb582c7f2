"""Demo families: simulated, VEP-annotated, with their truth beside them."""
