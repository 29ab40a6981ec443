"""headwater onboard."""

from __future__ import annotations

import typer

app = typer.Typer(help="Onboard customer accounts.")
