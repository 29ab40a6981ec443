"""Modules that detections import by their own top-level names; the loader hands them out, none is installed.

Every package in this folder is given to detections under its bare name.
"""
