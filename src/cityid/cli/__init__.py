"""The command line: a thin shell over the doors.

Exit status: 0 verified or done, 1 refused, 2 wrong use or unreadable input, 3 the world failed
(registry, store, network), 130 interrupted. ``--json`` prints the machine form of whatever a
command says, errors included.
"""

from __future__ import annotations

import sys

from cityid.cli.exits import INTERRUPTED, WORLD_FAILED, exit_status, tell, unexpected
from cityid.errors import CityIdError


def main() -> None:
    """Run the command line; the entry point of the ``cityid`` script."""
    as_json = "--json" in sys.argv
    try:
        from cityid.cli.app import app

        app(prog_name="cityid")
    except CityIdError as error:
        tell(error, as_json=as_json)
        sys.exit(exit_status(error))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - the last door before a person: no traceback leaves
        tell(unexpected(error), as_json=as_json)
        sys.exit(WORLD_FAILED)
