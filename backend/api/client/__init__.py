"""Routes that a client's users and dashboards call."""
