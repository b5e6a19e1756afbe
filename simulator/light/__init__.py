"""Light agents: they speak exactly the agents' protocol, a thousand of them in one thread."""
