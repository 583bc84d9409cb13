"""Runs commands of the command line in process, for tests of what they print and how they end."""

from __future__ import annotations

import io
import json
import sys

from cityid import cli


class Shell:
    """Runs commands in one folder and tells how each ended."""

    def __init__(self, folder, monkeypatch, capfd):
        self.folder, self._monkeypatch, self._capfd = folder, monkeypatch, capfd

    def __call__(self, *arguments, stdin=b""):
        self._monkeypatch.setattr(sys, "argv", ["cityid", *map(str, arguments)])
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        try:
            cli.main()
            status = 0
        except SystemExit as end:
            status = end.code or 0
        out, err = self._capfd.readouterr()
        assert "Traceback" not in err
        return status, out, err

    def done(self, *arguments, stdin=b""):
        status, out, err = self(*arguments, stdin=stdin)
        assert (status, err) == (0, "")
        return out

    def json(self, *arguments, stdin=b""):
        return json.loads(self.done(*arguments, "--json", stdin=stdin))

    def refused(self, status, *arguments, stdin=b""):
        """Return what a command says that ends with this status, as text and as JSON."""
        ended, out, text = self(*arguments, stdin=stdin)
        assert (ended, out) == (status, "")
        assert text.startswith("cityid: ")
        ended, out, problem = self(*arguments, "--json", stdin=stdin)
        assert (ended, out) == (status, "")
        assert json.loads(problem)["type"]
        return text

    def write(self, name, document):
        (self.folder / name).write_text(json.dumps(document), encoding="utf-8")
        return name
