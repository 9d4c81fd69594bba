"""`python -m s2sc` does what `s2sc` does."""

from .cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
