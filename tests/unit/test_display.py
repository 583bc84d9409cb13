import subprocess
import sys
from html.parser import HTMLParser
from types import MappingProxyType
from xml.etree import ElementTree as ET

import pytest

from cityid import display
from cityid.errors import Code
from cityid.report import Check, Outcome, Problem

ALLOWED_TAGS = {
    *("div", "span", "strong", "code", "pre", "details", "summary", "table", "tr", "td"),
}
ATTACKS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</div></td></svg><iframe src=//evil.example>",
    "<style>*{display:none}</style>",
    "javascript:alert(1)",
    "&lt;script&gt;",
]


class Page(HTMLParser):
    """What a browser would see: tags, attributes and text."""

    def __init__(self, markup):
        super().__init__()
        self.tags, self.attributes, self.text, self.open = set(), set(), "", []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def checks(text):
    problem = Problem(Code.CREDENTIAL_EXPIRED, f"title {text}", f"detail {text}")
    return [
        Check.passed("proof", "/proof"),
        Check.failed(text, problem, text),
        Check.skipped("schema"),
        Check.inconclusive("status", problem),
    ]


@pytest.mark.parametrize("attack", ATTACKS)
def test_claims_are_shown_and_never_run(attack):
    document = {"@context": [attack], attack: {"a": [attack, {attack: 1}]}, "n": None, "t": True}
    markup = [
        display.document(attack, document),
        display.card(attack, [(attack, attack)], badge=(attack, attack), body=attack),
        display.card("x", {}, body=display.checks_table(checks(attack))),
    ]
    for each in markup:
        page = Page(each)
        assert page.tags <= ALLOWED_TAGS
        assert page.attributes <= {"style"}
        assert attack in page.text
        assert not page.open


def test_a_harmless_value_is_shown_by_the_same_means():
    page = Page(display.card("Credential", {"name": "Ada & Bo"}, badge=("valid", "green")))
    assert page.text == "CredentialvalidnameAda & Bo"


def test_an_attack_on_a_badge_is_escaped():
    for attack in ATTACKS:
        root = ET.fromstring(display.badge(attack, Outcome.FAILED))  # noqa: S314 - our own markup
        names = [element.tag.rpartition("}")[2] for element in root.iter()]
        assert names == ["svg", "title", "rect", "path", "g", "text", "text"]
        assert attack in root.attrib["aria-label"]


def test_checks_tell_outcome_place_and_problem():
    text = Page(display.checks_table(checks("validity"))).text
    for word in (
        "passed",
        "failed",
        "skipped",
        "inconclusive",
        "/proof",
        "title validity",
        "✓",
        "✗",
    ):
        assert word in text


def test_any_json_is_shown():
    value = MappingProxyType({"list": (1, 2.5, [], {}), "none": None, "yes": True, "no": False})
    assert Page(display.card("x", value)).text == "xlist12.5nonenoneyesyesnono"


def test_long_and_deep_values_are_cut():
    deep = []
    for _ in range(5000):
        deep = [deep]
    document = {"deep": deep, "long": "x" * 10**6, "many": list(range(10**5)), "large": 10**5000}
    markup = display.document("x", document)
    assert len(markup) < 60_000
    text = Page(markup).text
    assert "a very large number" in text
    assert "this has no JSON form" in text
    assert "and 99984 more" in text
    assert len(display.document("x", {"list": ["y" * 100] * 10_000})) < 60_000
    assert "and 84 more" in Page(display.card("x", [(str(n), n) for n in range(100)])).text


def test_the_json_of_a_document_keeps_its_lines():
    assert '{\n  "a": "b"\n}' in Page(display.document("x", {"a": "b"})).text


def test_a_body_of_text_is_escaped_and_markup_of_this_module_is_not():
    assert "<b>" not in display.card("x", [], body="<b>")
    assert "<table" in display.card("x", [], body=display.checks_table([]))


def test_an_unknown_colour_is_grey():
    assert "#6b7280" in display.card("x", [], badge=("odd", "mauve;background:url(//evil)"))


@pytest.mark.parametrize("code", [0, 9, 10, 13, 0x1B, 0x7F, 0x85, 0x9B, 0x202E, 0x2066, 0xD800])
def test_characters_that_steer_the_screen_are_spelled_out(code):
    shown = f"a⟨U+{code:04X}⟩b"
    text = f"a{chr(code)}b"
    assert display.visible(text) == shown
    assert shown in display.card("x", [("name", text)])
    assert shown in display.badge(text, Outcome.PASSED)
    for terminal in (True, False):
        assert shown in display.table("", ["name"], [[text]], terminal=terminal)


def test_letters_of_all_scripts_stay():
    for text in ("Ærø", "日本", "नमस्ते", "👩‍👧", "שלום"):
        assert display.visible(text) == text


# --- tables for terminals


def test_a_plain_table_stands_in_columns():
    rows = [["proof", "passed"], ["日本", 7], ["short"]]
    assert display.table("Checks", ["name", "outcome"], rows, terminal=False) == (
        "Checks\nname   outcome\n-----  -------\nproof  passed\n日本   7\nshort\n"
    )


def test_an_empty_table_has_its_head():
    assert display.table("", ["a", "b"], [], terminal=False) == "a  b\n-  -\n"


def test_standard_output_decides(monkeypatch):
    plain = display.table("", ["a"], [["b"]], terminal=False)
    monkeypatch.setattr("sys.stdout.isatty", lambda: False, raising=False)
    assert display.table("", ["a"], [["b"]]) == plain
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert display.table("", ["a"], [["b"]]) != plain


def test_a_terminal_table_is_framed_coloured_and_not_steered(monkeypatch):
    for name, value in {"TERM": "xterm-256color", "COLUMNS": "120"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_COLOR", raising=False)
    picture = display.table(
        "Checks", ["[red]name[/red]"], [["failed"], ["[link=//evil]x[/link]"]], terminal=True
    )
    for part in ("Checks", "╭", "[red]name[/red]", "[link=//evil]x[/link]", "\x1b[1;31mfailed"):
        assert part in picture
    assert "\x1b]8" not in picture
    monkeypatch.setenv("NO_COLOR", "1")
    assert "31mfailed" not in display.table("", ["a"], [["failed"]], terminal=True)


def test_rich_is_loaded_only_for_a_terminal():
    program = "import sys; from cityid import display; display.table('', ['a'], [['b']], terminal=False); sys.exit('rich' in sys.modules)"  # noqa: E501
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
