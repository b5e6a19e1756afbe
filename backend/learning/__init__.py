"""Learning from the past: traces, data sets, training of hazard models, and back-tests."""
