"""Detections: Python rules in Panther's format, loaded, run on batches and unit-tested."""
