"""Routes that operators call."""
