"""What a call costs, and how that grows. Start it with ``make bench``; see README.md."""
