"""Modules that detections import by their own top-level names; the loader hands them out, nothing is installed under them.

Every package in this folder is given to detections under its bare name.
"""
