"""Lookup tables, and the rows of a batch enriched by them."""
