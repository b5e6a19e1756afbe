"""The backend over HTTP: transport, retries, calls, and what the answers mean."""
