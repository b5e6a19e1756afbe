"""Model formats as data: what is read, how it is scored, and what is refused by name."""
