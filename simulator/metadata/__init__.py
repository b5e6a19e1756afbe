"""Instance metadata, as an instance sees it."""
