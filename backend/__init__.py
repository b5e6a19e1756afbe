"""Spot Optimizer's backend: one Flask application over MySQL."""

__version__ = "5.0.0"
