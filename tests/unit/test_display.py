import re
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
    *("div", "span", "strong", "code", "pre", "details", "summary", "table", "tr", "td", "th"),
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
        self.titles = []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)
        self.titles += [value for name, value in attrs if name == "title"]
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
        display.card("x", {}, body=display.rows_table([attack], [[attack]])),
        display.document("x", {"name": f"did:{attack}".replace(" ", "/") * 9, attack: attack}),
    ]
    for each in markup:
        page = Page(each)
        assert page.tags <= ALLOWED_TAGS
        assert page.attributes <= {"style", "title"}
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
    assert "and 99976 more" in text
    assert len(display.document("x", {"list": ["y" * 100] * 10_000})) < 60_000
    assert "and 76 more" in Page(display.card("x", [(str(n), n) for n in range(100)])).text


def test_a_card_is_never_endless_however_wide_and_deep_its_document():
    wide = {str(n): n for n in range(30)}
    for _ in range(2):
        wide = dict.fromkeys(map(str, range(30)), wide)
    for shape in (wide, {"a": [wide]}, {"a": [[wide]]}):
        assert len(display.document("x", shape)) < 150_000
    text = Page(display.card("x", {"a": {"b": [{"c": {"d": {"e": {"f": 1}}}}]}})).text
    assert text == "xabcde…"


def test_the_claims_come_before_the_proof_and_the_proof_is_folded():
    document = {"proof": {"type": "T"}, "subject": {"name": "Ada", "proof": {}}, "id": "did:x:y"}
    page = Page(display.document("Credential", document))
    shown = page.text.partition("JSON")[0]
    assert shown == "Credentialiddid:x:ysubjectnameAdaproofunfoldprooftypeT"
    assert page.tags >= {"details", "summary"}
    assert Page(display.document("x", {"proof": "odd"})).text.startswith("xproofunfoldodd")


def test_a_long_section_says_how_much_is_left():
    items = [{"n": n} for n in range(30)]
    assert "… and 6 more" in Page(display.document("x", {"items": items})).text


def test_a_long_name_lacks_its_middle_and_keeps_it_in_its_title():
    name = "did:peer:2." + "".join(map(str, range(60)))
    page = Page(display.card("x", {"id": name}))
    assert page.titles == [name]
    assert page.text == f"xid{display.shortened(name)}"
    whole = "did:key:z6MkoqbGPZjR758xBhERbvQK6sC21jYLnpFGHzRTPAqSHf1A"
    assert Page(display.card("x", {"id": whole})).titles == []
    assert whole in display.card("x", {"id": whole})


@pytest.mark.parametrize("limit", [24, 25, 56])
def test_shortening_keeps_both_ends_and_the_limit(limit):
    name = "did:example:" + "ab" * 50
    short = display.shortened(name, limit)
    head, _, tail = short.partition("…")
    assert len(short) == limit
    assert name.startswith(head)
    assert name.endswith(tail)
    assert len(head) > len(tail) >= 8
    assert display.shortened(name, len(name)) == name


def test_a_table_of_rows_has_a_head_and_an_end():
    page = Page(display.rows_table(["name", "until"], [["Ada", None]]))
    assert page.text == "nameuntilAdanone"
    assert page.tags == {"table", "tr", "th", "td"}
    assert "… and 10 more" in Page(display.rows_table(["n"], [[n] for n in range(310)])).text


def test_checks_are_counted_and_no_colour_is_needed_to_read_them():
    page = Page(display.checks_table(checks("x")))
    assert page.text.startswith("✓ 1 passed✗ 1 failed○ 1 skipped? 1 inconclusive✓ passedproof")


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


# --- long names on terminals

LONG = "did:peer:2." + "".join(f"{n:03}" for n in range(200))
KEY = "did:key:z6MkoqbGPZjR758xBhERbvQK6sC21jYLnpFGHzRTPAqSHf1A"


def test_a_pipe_gets_every_character_of_a_name():
    assert LONG in display.table("", ["did"], [[LONG]], terminal=False)


@pytest.mark.parametrize("columns", [60, 100, 160])
def test_a_terminal_shows_each_name_on_one_line(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("NO_COLOR", "1")
    picture = display.table("", ["who", "did"], [["city", LONG], ["Ada", KEY]], terminal=True)
    picture = re.sub("\x1b\\[[0-9;]*m", "", picture)
    lines = picture.splitlines()
    assert len(lines) == 6
    assert max(map(len, lines)) <= columns
    assert (KEY in picture) == (columns >= 100)
    assert "did:peer:2.000001002" in picture
    assert picture.count("…") == (2 if columns < 100 else 1)


def test_a_table_that_fits_nowhere_keeps_the_start_and_the_end_of_its_names(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    picture = display.table("", ["did", "why"], [[KEY, "because " * 30]], terminal=True)
    assert display.shortened(KEY, 24) in picture
    assert "because" in picture
