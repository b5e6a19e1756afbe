"""``python -m simulator``."""

from simulator.commands import main

if __name__ == "__main__":
    main()
