"""Thin entry: ``python backend/backend.py`` is ``python -m backend serve``, from any folder."""

import sys
from pathlib import Path

# Python puts this file's folder first on the path, where modules of ours would hide others of the
# same name; what belongs there is the folder above, which holds the package.
_HERE = Path(__file__).resolve().parent
sys.path[:] = [str(_HERE.parent), *(p for p in sys.path if not p or Path(p).resolve() != _HERE)]


def main() -> None:
    """Run ``serve`` with the options that were given."""
    from backend.cli.main import main as run  # only now is the path right

    run(["serve", *sys.argv[1:]])


if __name__ == "__main__":
    main()
