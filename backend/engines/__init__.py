"""The room of what decides: models, the sandbox that scores them, and the engines' host."""
