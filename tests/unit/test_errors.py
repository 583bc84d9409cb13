import pytest

from cityid import errors
from cityid.errors import Code


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("abc", "'abc'"),
        (b"abc", "b'abc'"),
        (7, "7"),
        (None, "None"),
        ("x" * 58, "'" + "x" * 58 + "'"),
        ("x" * 59, "'" + "x" * 58 + "…"),
        ("x" * 10_000_000, "'" + "x" * 58 + "…"),
        (b"x" * 100, "b'" + "x" * 57 + "…"),
        (["y" * 100, *range(100)], "['yyyyyyyyyyyy...yyyyyyyyyyyyy', 0, 1, 2, 3, 4, ...]"),
        ([10**5000], "a very large list"),
        (10**5000, "a very large int"),
        ("\ud800\n\x1b[31m", r"'\ud800\n\x1b[31m'"),
    ],
    ids=range(12),
)
def test_quoted_values_are_short_and_harmless(value, shown):
    assert errors.quote(value) == shown


def test_a_deep_value_is_quoted_without_going_down():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    assert "..." in errors.quote(deep)


def test_a_limit_may_be_given():
    assert errors.quote("abcdef", 4) == "'ab…"


def test_every_code_is_one_url_or_urn():
    assert len({code.value for code in Code}) == len(Code)
    assert all(code.value.startswith(("https://", "urn:cityid:problem:")) for code in Code)
    assert all(code.value.endswith(code.name) for code in Code)


EVERY = [
    errors.CityIdError("m", code=Code.PARSING_ERROR),
    errors.InvalidInputError("m"),
    errors.UnsupportedError("m", name="n"),
    errors.NotFoundError("m", ref="r"),
    errors.RegistryError("m"),
    errors.ConflictError("m", log="l", expected=1, found=2),
    errors.CorruptError("m", place="p"),
    errors.ProofGenerationError("m"),
    errors.VerificationError("m", result=None),
]


@pytest.mark.parametrize("error", EVERY, ids=lambda error: type(error).__name__)
def test_every_error_has_one_root_and_a_code(error):
    assert isinstance(error, errors.CityIdError)
    assert isinstance(error.code, Code)
    assert str(error) == "m"


def test_no_exception_is_forgotten():
    classes = [
        thing
        for thing in vars(errors).values()
        if isinstance(thing, type) and issubclass(thing, Exception)
    ]
    assert {type(error) for error in EVERY} == set(classes)


def test_errors_are_also_what_python_calls_them():
    assert issubclass(errors.InvalidInputError, ValueError)
    assert issubclass(errors.NotFoundError, LookupError)
    assert issubclass(errors.ConflictError, errors.RegistryError)
    assert issubclass(errors.CorruptError, errors.RegistryError)


@pytest.mark.parametrize("kind", [errors.InvalidInputError, errors.ProofGenerationError])
def test_the_place_stands_in_the_message(kind):
    assert str(kind("wrong", path="/a/0")) == "wrong (at /a/0)"
    assert kind("wrong", path="/a/0").path == "/a/0"
    assert kind("wrong").path == ""


@pytest.mark.parametrize("kind", [errors.InvalidInputError, errors.ProofGenerationError])
def test_long_messages_are_cut(kind):
    assert len(str(kind("x" * 5000))) == 1000
    assert len(str(kind("x", path="/" + "y" * 5000))) == 1000


def test_what_there_is_instead_stands_in_the_message():
    error = errors.UnsupportedError("no key type 'RSA'", name="RSA", known=("Ed25519", "P-256"))
    assert str(error) == "no key type 'RSA'; known: Ed25519, P-256"
    assert (error.name, error.known) == ("RSA", ("Ed25519", "P-256"))


def test_facts_of_an_error_are_attributes():
    conflict = errors.ConflictError("m", log="l", expected=1, found=2)
    assert (conflict.log, conflict.expected, conflict.found) == ("l", 1, 2)
    assert conflict.code is Code.REGISTRY_CONFLICT
    assert errors.CorruptError("m", place="line 3").place == "line 3"
    assert errors.NotFoundError("m", ref="did:x:y").ref == "did:x:y"
    result = object()
    assert errors.VerificationError("m", result=result).result is result
