"""Stand-ins that behave: real code with a small world of its own, no mocks."""
