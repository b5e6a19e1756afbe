"""The spot market: prices and availability, made up with a seed or replayed from a file."""
