"""The API over a real database: status codes, callers, error bodies."""
