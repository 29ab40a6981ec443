"""Services that take alerts, on loopback: each refuses whatever its documentation does not allow."""
