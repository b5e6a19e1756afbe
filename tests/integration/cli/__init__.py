"""The command line over a real private database."""
