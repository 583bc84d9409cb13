"""The command line: a thin shell over the doors.

Exit status: 0 verified or done, 1 refused, 2 wrong use or unreadable input, 3 the world failed
(registry, store, network). ``--json`` prints the machine form of whatever a command says.
"""

from __future__ import annotations

import sys

from cityid.cli.exits import exit_status, tell


def main() -> None:
    """Run the command line; the entry point of the ``cityid`` script."""
    from cityid.cli.app import app
    from cityid.errors import CityIdError

    try:
        app()
    except CityIdError as error:
        tell(error, as_json="--json" in sys.argv)
        sys.exit(exit_status(error))
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(3)
