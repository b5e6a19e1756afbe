"""Tests of the pretend region."""
