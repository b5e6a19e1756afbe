"""The API proxy: one address on this host that forwards everything to the backend."""
