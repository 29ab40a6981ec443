"""Headwater: one security-log service for all the AWS accounts a platform team runs."""

__version__ = "0.1.0"
