"""The truth of the pretend region: what exists, in which state, and what it costs."""
