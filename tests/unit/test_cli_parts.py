"""What the command line is made of: passphrases, output, exits, the screen."""

from __future__ import annotations

import errno
import io
import json
import sys
from types import SimpleNamespace

import pytest
import typer

from cityid import cli
from cityid.cli import exits, output, passphrases
from cityid.display import screen
from cityid.errors import Code, CorruptError, InvalidInputError, RegistryError, VerificationError
from cityid.report import Check, Problem


class Terminal(io.TextIOWrapper):
    """A stream that a person looks at."""

    def __init__(self):
        super().__init__(io.BytesIO(), encoding="utf-8", write_through=True)

    def isatty(self):
        return True

    @property
    def text(self):
        return self.buffer.getvalue().decode()


class Broken(io.RawIOBase):
    """A stream that fails for one reason."""

    def __init__(self, reason):
        self.reason = reason

    def writable(self):
        return True

    def write(self, _data):
        raise OSError(self.reason, "it went wrong")


# --- passphrases


@pytest.fixture
def person(monkeypatch):
    """Somebody who sits at the terminal and types."""
    monkeypatch.delenv(passphrases.VARIABLE, raising=False)
    # pytest puts its own streams into sys between the phases of a test
    monkeypatch.setattr(passphrases, "sys", SimpleNamespace(stderr=Terminal()))
    answers = []

    def asked(_question):
        if not answers:
            raise EOFError
        return answers.pop(0)

    monkeypatch.setattr(passphrases, "getpass", asked)
    return answers


def test_a_person_is_asked_once_to_open_and_twice_to_make(person):
    person += ["grün"]
    assert passphrases.passphrase(None) == "grün".encode()
    person += ["grün", "grün"]
    assert passphrases.passphrase(None, new=True) == "grün".encode()
    person += ["grün", "blau"]
    with pytest.raises(InvalidInputError, match="differ"):
        passphrases.passphrase(None, new=True)
    with pytest.raises(InvalidInputError, match="no passphrase"):
        passphrases.passphrase(None)


def test_the_environment_comes_before_the_question(person, monkeypatch):
    monkeypatch.setenv(passphrases.VARIABLE, "from outside")
    assert passphrases.passphrase(None) == b"from outside"
    assert person == []


# --- output


def test_what_is_said_is_utf_8_whatever_the_locale(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    output.say("grün ✓\n")
    assert stream.buffer.getvalue() == "grün ✓\n".encode()


def test_a_reader_that_left_ends_the_command_without_a_word(monkeypatch, capsys):
    broken = io.TextIOWrapper(io.BufferedWriter(Broken(errno.EPIPE)))
    monkeypatch.setattr(sys, "stdout", broken)
    with pytest.raises(typer.Exit) as end:
        output.say("anything")
    assert end.value.exit_code == 3
    assert capsys.readouterr().err == ""
    _forget(broken)


def test_a_full_disk_is_an_error_of_the_world(monkeypatch):
    broken = io.TextIOWrapper(io.BufferedWriter(Broken(errno.ENOSPC)))
    monkeypatch.setattr(sys, "stdout", broken)
    with pytest.raises(RegistryError, match="cannot be written: it went wrong"):
        output.say("anything")
    _forget(broken)


def test_what_could_not_be_said_goes_nowhere_when_python_ends(monkeypatch, tmp_path):
    """Else Python would try to say it once more, and complain."""
    with (tmp_path / "out").open("w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        stream.write("unsaid")
        output._give_up_output()
    assert (tmp_path / "out").read_text() == ""


def _forget(stream):
    """Let a broken stream be closed without a complaint."""
    stream.buffer.raw.reason = None
    stream.buffer.raw.write = len
    stream.detach().detach()


# --- exits


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InvalidInputError("x"), 2),
        (RegistryError("x"), 3),
        (CorruptError("x", place="y"), 3),
        (VerificationError("x", result=None), 1),
    ],
)
def test_each_error_has_its_exit_status(error, status):
    assert exits.exit_status(error) == status


OPEN = Check.inconclusive("status", Problem(Code.REGISTRY_UNAVAILABLE, "x"))
UNSURE = Check.inconclusive("schema", Problem(Code.SCHEMA_NOT_ALLOWED, "x"))
FAILED = Check.failed("proof", Problem(Code.ISSUER_NOT_TRUSTED, "x"))


@pytest.mark.parametrize(
    ("checks", "status"),
    [([OPEN], 3), ([UNSURE], 1), ([FAILED], 1), ([OPEN, FAILED], 1), ([UNSURE, OPEN], 3), ([], 1)],
)
def test_a_refusal_is_the_worlds_only_where_nothing_failed(checks, status):
    assert exits.refusal_status(checks) == status


def test_an_error_cannot_steer_the_terminal(capsys):
    exits.tell(InvalidInputError("\x1b[2J gone"), as_json=False)
    assert "\x1b" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("raised", "status", "says"),
    [
        (KeyboardInterrupt(), 130, ""),
        (KeyError("a secret"), 3, "an error inside cityid (KeyError at test_cli_parts.py:"),
        (FileNotFoundError(errno.ENOENT, "not there", "some/file"), 3, "some/file: not there"),
        (OSError("odd"), 3, "OSError"),
    ],
)
def test_whatever_happens_no_traceback_reaches_a_person(monkeypatch, capsys, raised, status, says):
    def fail(**_):
        raise raised

    monkeypatch.setattr("cityid.cli.app.app", fail)
    for arguments in ([], ["--json"]):
        monkeypatch.setattr(sys, "argv", ["cityid", *arguments])
        with pytest.raises(SystemExit) as end:
            cli.main()
        assert end.value.code == status
        told = capsys.readouterr().err
        assert "Traceback" not in told
        assert "a secret" not in told
        assert says in (json.loads(told)["title"] if arguments and told else told)


def test_an_error_without_a_traceback_has_no_place():
    assert "(KeyError at ?)" in str(exits.unexpected(KeyError("x")))


# --- the screen


def test_a_terminal_gets_colours_and_a_pipe_does_not(monkeypatch):
    text = "PERMITTED\n  ✓ proof\n  ✗ trust\n      why \x1b[31m not\n"
    plain = screen.report(text)
    assert "\x1b" not in plain
    assert "why ⟨U+001B⟩[31m not" in plain
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    coloured = screen.report(text)
    assert "\x1b[32m  ✓ proof\x1b[0m" in coloured
    assert "\x1b[1;31m  ✗ trust\x1b[0m" in coloured


def test_a_heading_breaks_its_text(monkeypatch):
    text = "word " * 40
    plain = screen.heading("Title", text).splitlines()
    assert plain[0] == "Title"
    assert len(plain) == 3
    assert max(map(len, plain)) <= 100
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr(sys, "stdout", Terminal())
    assert max(map(len, screen.heading("", text).splitlines())) <= 40


def test_a_bar_moves_on_a_terminal_and_goes_when_all_is_done(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm-256color")
    with screen.progress("Issuing") as show:
        assert terminal.text == ""
        show(1, 4)
        assert "Issuing" in terminal.text
        show(4, 4)
        length = len(terminal.text)
    assert len(terminal.text) == length


def test_there_is_no_bar_without_a_terminal(capsys):
    with screen.progress("Issuing") as show:
        show(1, 2)
    assert capsys.readouterr().err == ""
