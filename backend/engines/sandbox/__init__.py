"""The sandbox: a broker that owns the socket, and confined workers that touch models."""
