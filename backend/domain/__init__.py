"""Pure rules: no I/O, no clock, no framework. Everybody may import this package."""
