"""What jobs cost: pure arithmetic over a dated price list.

It reads no document, no environment and no clock, and imports the standard library alone. Amounts are US dollars, or
the currency of a price list of one's own; a month has 730 hours.
"""
