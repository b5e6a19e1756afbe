"""Rows in, rows out: one aggregate is one module of functions and its sibling .sql file."""
