"""Log types: what the columns of each log are, declared in YAML, one folder each."""
