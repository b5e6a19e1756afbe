"""Elastic Load Balancing v2, as far as a cut-over needs it."""
