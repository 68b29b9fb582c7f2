"""The fast path: the rules on arrays. A reader returns columns and the lines (`ok`) of which it is sure."""
