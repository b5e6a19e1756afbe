"""Rehearsals: a fleet goes through something, and the figures say what became of it."""
