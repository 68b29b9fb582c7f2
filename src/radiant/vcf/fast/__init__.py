"""The fast path: the rules on arrays. Each module returns columns, and `ok`: the lines for which they are right."""
