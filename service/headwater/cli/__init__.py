"""The command line: arguments → one call; no logic."""
