"""The steps from one schema of the state database to the next, each in a file of versions/; see docs/state.md."""
