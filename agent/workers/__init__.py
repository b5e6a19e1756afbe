"""The loops: each file is one loop with one concern. agent/README.md draws the threads."""
