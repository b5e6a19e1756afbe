"""``serve``: one command that runs everything on this machine, and looks after it."""
