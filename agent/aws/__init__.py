"""EC2 and the price list; nothing else in the agent imports boto3."""
