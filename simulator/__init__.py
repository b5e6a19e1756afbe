"""A pretend EC2 region: its API, instance metadata, spot market, and instances that run agents."""
