"""Use cases. Each owns its transaction; nothing slow happens inside one."""
