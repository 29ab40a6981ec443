"""Where alerts go; one file a destination."""
