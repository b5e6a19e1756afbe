"""The agent: a daemon on every instance that reports, obeys, and replaces its host safely."""

VERSION = "5.0.0"
PROTOCOL = 5  # sync, journal, fencing: what backends call a native agent
