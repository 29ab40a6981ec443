"""The demonstration: a local AWS of several accounts, and the whole way of the data through it."""
