"""Where results go besides Prometheus."""
