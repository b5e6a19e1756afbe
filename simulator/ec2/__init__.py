"""The EC2 query protocol and the operations that the region understands."""
