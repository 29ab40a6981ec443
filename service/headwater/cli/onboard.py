"""headwater onboard."""
