"""Property tests give the same answer on a slow and on a busy machine, every time."""

from hypothesis import settings

settings.register_profile("repeatable", deadline=None, derandomize=True, database=None)
settings.load_profile("repeatable")
