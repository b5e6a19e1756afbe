"""The host of decision engines: loading, guarding against them, and answering when they fail."""
