"""Lets ``python -m cityid`` run the command line."""

from __future__ import annotations

from cityid.cli import main

if __name__ == "__main__":
    main()
