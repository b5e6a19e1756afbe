"""What an installation looks like, and what that means: the doctor's knowledge."""
