"""The home of decision engines: plug-ins that turn a picture of the fleet into a decision.

Imports nothing of the backend or the agent, so that an engine can be written, tested and
replayed alone.
"""
