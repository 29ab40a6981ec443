"""Objects that no notification announced: history, polled sources, what was missed, and what failed before."""
