"""Bytes at a URI become numbered chunks of whole lines."""
