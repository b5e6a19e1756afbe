"""What runs on an instance: a disk folder and the agent as a process."""
