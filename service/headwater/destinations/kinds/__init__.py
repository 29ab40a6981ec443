"""The kinds of destination, one module each; see headwater.destinations.kind."""
