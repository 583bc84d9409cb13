"""Random JSON-LD: contexts of every kind, and documents under them, from valid to hostile.

Few names are used, so that contexts redefine each other's terms and scopes meet.
"""

from __future__ import annotations

from random import Random
from typing import Any

JSONObject = dict[str, Any]

VC = "https://www.w3.org/ns/credentials/v2"
XSD = "http://www.w3.org/2001/XMLSchema#"
TERMS = tuple(f"t{number}" for number in range(9))
TYPES = tuple(f"T{number}" for number in range(5))
ALIASES = (("id", "@id"), ("type", "@type"), ("val", "@value"), ("lang", "@language"))
DATATYPES = (*(XSD + name for name in ("string", "integer", "double", "date", "boolean")), "ex:own")
CONTAINERS: tuple[Any, ...] = (
    *(("@set", "@list", "@language", "@graph") * 4),
    *([["@set", "@language"], ["@graph", "@set"]] * 3),
    *("@index", "@id", "@type", []),
)
HABITS: tuple[JSONObject, ...] = (
    *({}, {}, {}, {"@container": "@set"}, {"@type": "@json"}, {"@type": "@none"}),
    *({"@type": "@id"}, {"@type": "@id", "@container": "@set"}, {"@type": "@vocab"}),
    *({"@type": XSD + "date"}, {"@type": XSD + "double"}, {"@type": "ex:own"}),
    *({"@container": "@list"}, {"@type": "@id", "@container": "@list"}, {"@language": "PT-br"}),
    *({"@container": "@language"}, {"@container": ["@set", "@language"]}),
    *({"@container": "@graph"}, {"@type": "@id", "@container": ["@graph", "@set"]}),
)
IRIS = (
    "https://ex.org/a",
    "https://ex.org/b?c=d#e",
    "did:example:123",
    "urn:uuid:1",
    "ex:x",
    "ex:y/z",
    "p:q",
    "mailto:a@b",
    "_:b0",
    "_:b1",
    "https://ex.org/ü",
)
BAD_IRIS = (
    "relative",
    "/a",
    "#b",
    "",
    "a b:c",
    "https://ex.org/a b",
    "https://ex.org/<",
    "_:",
    "_: x",
    ":x",
    "@id",
    "@foo",
    "1a:b",
    "ex:\u0000",
    'ex:"',
    "ex:a\n",
)
TEXTS = (
    "plain",
    "",
    'quo"te',
    "back\\slash",
    "line\nfeed\r\ttab",
    "\b\f\x01\x1f\x7f\x80",
    "ünïcödé 漢字 😀",
    "\u2028\u00a0",
    "2027-01-01",
    "true",
    "5",
    "1.5E0",
)
NUMBERS = (0, 1, -1, 42, 2**53 - 1, -(2**53) + 1, 1.5, -0.25, 1e-3, 3.14159, 123456.789, 0.1)
BAD_NUMBERS = (2**53, 10**22, 1e-7, 5e-324, 1e21, 0.30000000000000004, 1.7976931348623157e308)
BAD_ENTRIES: tuple[tuple[str, Any], ...] = (
    *(("@foo", "ex:x"), ("@direction", "rtl"), ("@language", 'e"n'), ("_uuid", "ex:u")),
    *(("@version", 1.0), ("@vocab", None), ("@propagate", "x"), ("", "ex:empty")),
)
LANGUAGES = ("en", "EN-us", "de-CH-1996", "x-private", "id", "@none")
BAD_LANGUAGES = ("", "e n", 'en" <x:y> "', "toolonglanguage", "en_US", "é", "t0", "en\n")


class Writer:
    """Writes random contexts and documents.

    Attributes:
        random: Where all choices come from.
        hostility: How often something is written that must be refused, or is at the edge.
        habits: The coercion and container that each term mostly has.
    """

    def __init__(self, random: Random, hostility: float = 0.0) -> None:
        self.random = random
        self.hostility = hostility
        self.habits = {term: random.choice(HABITS) for term in TERMS}

    def chance(self, probability: float) -> bool:
        """Return True that often."""
        return self.random.random() < probability

    def hostile(self) -> bool:
        """Return True where the next thing shall be wrong."""
        return self.random.random() < self.hostility

    # --- contexts

    def context(self, urls: tuple[str, ...] = (), depth: int = 0) -> JSONObject:
        """Return the inside of an ``@context``; its scoped contexts may be at `urls`.

        It has no ``@import``: PyLD writes into what it imports, and then reads that.
        """
        choose = self.random.choice
        context: JSONObject = {"ex": "https://ex.org/vocab#", "p": f"https://p.example/{depth}/"}
        for alias, keyword in ALIASES:
            if self.chance(0.97 if depth == 0 else 0.1):
                context[alias] = keyword
        count = len(TERMS) if depth == 0 else 3
        for term in self.random.sample(TERMS, count):
            context[term] = self.definition(term, urls, depth)
        for type_ in self.random.sample(TYPES, len(TYPES) if depth == 0 else 1):
            context[type_] = self.type_definition(type_, urls, depth)
        for name, probability, values in (
            ("@version", 0.7, (1.1,)),
            ("@protected", 0.04, (True,)),
            ("@vocab", 0.3, ("https://vocab.example/#", "https://vocab.example/other/", "ex:")),
            ("@language", 0.1, ("en", "DE-ch")),
            ("@base", 0.05, ("https://base.example/", None)),
        ):
            if self.chance(probability):
                context[name] = choose(values)
        if depth and self.chance(0.15):
            context["@propagate"] = choose((True, False))
        if self.hostile():
            context[choose(TERMS)] = choose(
                (None, "@foo", "@type", "relative", {"@id": None}, {"@id": "ex:x", "@prefix": True})
            )
        if self.hostile():
            name, value = choose(BAD_ENTRIES)
            context[name] = value
        return context

    def definition(self, term: str, urls: tuple[str, ...], depth: int) -> Any:
        """Return the definition of one property."""
        choose = self.random.choice
        iri = f"https://ex.org/vocab#{term}" if self.chance(0.8) else f"ex:{choose(TERMS)}"
        if self.chance(0.9 if not self.habits[term] else 0.05):
            return iri
        definition: JSONObject = {"@id": iri, **self.habits[term]}
        if self.chance(0.07):
            definition["@type"] = choose(("@id", "@id", "@vocab", "@json", "@none", *DATATYPES))
        if self.chance(0.03):
            definition["@language"] = choose(("fr", "PT-br", None))
        if self.chance(0.07):
            definition["@container"] = choose(CONTAINERS)
        if depth < 2 and self.chance(0.15):
            definition["@context"] = self.scope(urls, depth)
        if self.chance(0.03):
            definition["@protected"] = choose((True, False))
        if self.chance(0.03):
            definition["@direction"] = choose(("ltr", "rtl", None))
        if definition.get("@container") == "@type":
            definition["@type"] = "@id"
        if self.chance(0.01):
            definition = {"@reverse": iri}
        return definition

    def type_definition(self, type_: str, urls: tuple[str, ...], depth: int) -> Any:
        """Return the definition of one type."""
        iri = f"https://ex.org/types#{type_}"
        if depth < 2 and self.chance(0.5):
            return {"@id": iri, "@context": self.scope(urls, depth)}
        return iri

    def scope(self, urls: tuple[str, ...], depth: int) -> Any:
        """Return a context of a term's own."""
        roll = self.random.random()
        if roll < 0.04:
            return None
        if urls and roll < 0.2:
            return self.random.choice(urls)
        inner = self.context((), depth + 1)
        return [inner] if roll > 0.95 else inner

    # --- documents

    def document(self, urls: tuple[str, ...]) -> JSONObject:
        """Return a document under some of the contexts."""
        names: list[Any] = [self.random.choice(urls)]
        if self.chance(0.3):
            names.insert(0, VC)
        if self.chance(0.2):
            names.append(self.random.choice(urls))
        if self.chance(0.1):
            names.append(self.context(urls, 1))
        if self.hostile():
            names.append(self.random.choice((None, 5, {}, [], "https://unknown.example/", [None])))
        context: Any = names[0] if len(names) == 1 and self.chance(0.5) else names
        document = {"@context": context, **self.node(0)}
        if names[0] == VC:
            document.pop("@type", None)
            document.update(self.credential())
        return self.shuffled(document) if self.chance(0.3) else document

    def credential(self) -> JSONObject:
        """Return members of a credential or presentation."""
        if self.chance(0.3):
            inner = {"@context": VC, "id": self.iri(), **self.credential_members()}
            return {"type": "VerifiablePresentation", "verifiableCredential": [inner]}
        return self.credential_members()

    def credential_members(self) -> JSONObject:
        """Return members of a credential."""
        return {
            "type": ["VerifiableCredential", *self.random.sample(TYPES, 1)],
            "issuer": self.random.choice(("did:example:i", {"id": "did:example:i", "name": "I"})),
            "name": self.random.choice(("N", {"@value": "N", "@language": "en"})),
            "credentialSubject": self.node(1),
        }

    def shuffled(self, node: JSONObject) -> JSONObject:
        """Return the same members in another order."""
        members = list(node.items())
        self.random.shuffle(members)
        return dict(members)

    def node(self, depth: int) -> JSONObject:
        """Return a node object."""
        choose = self.random.choice
        node: JSONObject = {}
        if self.chance(0.6):
            types: list[Any] = self.random.sample(TYPES, choose((1, 1, 2)))
            if self.chance(0.05):
                types.append("ex:Absolute")
            node[choose(("type", "@type", "@type"))] = (
                types[0] if len(types) == 1 and self.chance(0.5) else types
            )
        for _ in range(self.random.randrange(5 if depth < 2 else 3)):
            key = (
                choose(TERMS) if self.chance(0.9) else choose(("ex:abc", "https://ex.org/k", "p:k"))
            )
            node[key] = self.value(depth, self.habits.get(key, {}))
        if self.chance(0.4 if node else 0.1):
            node["id" if self.chance(0.95) else "@id"] = self.iri()
        if self.chance(0.03):
            node["@context"] = self.context((), 2)
        if self.hostile():
            node.update(self.hostile_member())
        return node

    def hostile_member(self) -> JSONObject:
        """Return a member that breaks a rule, or nearly."""
        choose = self.random.choice
        return choose(
            (
                {"undefined": "x"},
                {"@context": choose((None, {}, [], {"t1": None}, {"t1": "ex:other"}, VC))},
                {"@id": choose((None, 5, [], *BAD_IRIS))},
                {"@type": choose((None, [], [[]], [5], {}, "undefined", "_:t", "@json", "@id"))},
                {choose(TERMS): choose((None, [], [None], [[1]], {}, {"@value": None}))},
                {choose(TERMS): choose(({"@list": [1]}, {"@set": [1]}, {"@language": "en"}))},
                {choose(TERMS): choose(({"@id": "ex:x"}, {"@value": 1}, {"@type": "@id"}))},
                {choose(TERMS): {"@value": "x", choose(("@index", "@id", "t1")): "y"}},
                {choose(TERMS): choose(BAD_NUMBERS)},
                {choose(("@graph", "@included", "@nest", "@reverse", "@index")): {"t1": "x"}},
                {choose(("", "a b", "ex:a b", "@foo", "_:p", "_uuid", ":", "é")): "x"},
                {"val": "x"},
                {"@value": "x"},
                {"id": "ex:1", "@id": "ex:1"},
                {"type": "T1", "@type": "T1"},
            )
        )

    def iri(self) -> Any:
        """Return an identifier."""
        return self.random.choice(BAD_IRIS if self.hostile() else IRIS)

    def value(self, depth: int, habit: JSONObject) -> Any:  # noqa: PLR0911 - one line a kind of value
        """Return a value that mostly fits the habit of its property."""
        roll = 1.0 if self.hostile() else self.random.random()
        if "@language" in habit.get("@container", ()) and roll < 0.9:
            return self.language_map()
        if "@graph" in habit.get("@container", ()) and roll < 0.95:
            return self.node(depth + 1)
        if roll < 0.2 and depth < 4:
            return self.node(depth + 1)
        if roll < 0.35:
            items = [self.value(depth + 1, habit) for _ in range(self.random.randrange(1, 4))]
            nested = any(map(_is_list, items))
            return items if self.hostile() or not nested else items[0]
        if roll < 0.45:
            return self.value_object()
        if habit.get("@type") in ("@id", "@vocab") and roll < 0.98:
            return self.iri()
        if habit.get("@type") == XSD + "double" and roll < 0.95:
            return self.random.choice(NUMBERS)
        return self.language_map() if self.hostile() else self.scalar()

    def scalar(self) -> Any:
        """Return text, a number or a boolean."""
        choose = self.random.choice
        if self.hostile():
            return choose((None, *BAD_NUMBERS, *BAD_IRIS))
        return choose((choose(IRIS), choose(TEXTS), choose(TEXTS), choose(NUMBERS), True, False))

    def value_object(self) -> JSONObject:
        """Return an object with ``@value``."""
        choose = self.random.choice
        value: JSONObject = {choose(("@value", "@value", "val")): self.scalar()}
        roll = self.random.random()
        if roll < 0.35:
            language = choose(BAD_LANGUAGES if self.hostile() else LANGUAGES[:-1])
            value = {choose(("@value", "val")): choose(TEXTS)}
            value[choose(("@language", "@language", "lang"))] = language
        elif roll < 0.6:
            value[choose(("@type", "type"))] = choose(("@json", "T1", *DATATYPES))
        if self.chance(0.15):
            value["@direction"] = choose(("ltr", "rtl", "auto" if self.hostile() else "ltr"))
        return value

    def language_map(self) -> JSONObject:
        """Return an object from languages to texts."""
        pool = BAD_LANGUAGES if self.hostile() else LANGUAGES
        texts: list[Any] = [*TEXTS, ["a", "b"]]
        if self.hostile():
            texts += [None, 5, [], [None], {}]
        return {self.random.choice(pool): self.random.choice(texts) for _ in range(2)}


def _is_list(value: Any) -> bool:
    return isinstance(value, list)
