"""What a case is: frozen dataclasses and pure rules on the standard library alone."""
