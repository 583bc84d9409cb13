from __future__ import annotations

import hashlib
import json

import pytest

from cityid import resources
from cityid.errors import CorruptError, InvalidInputError, NotFoundError
from cityid.resources import Kind


def test_every_context_of_the_index_is_the_file_that_was_pinned():
    index = json.loads(resources.read(Kind.CONTEXTS, "index.json"))
    for row in index.values():
        data = resources.read(Kind.CONTEXTS, row["file"])
        assert hashlib.sha256(data).hexdigest() == row["sha256"]
        assert "@context" in json.loads(data)
        assert row["origin"]
        assert row["licence"]
        assert set(row) == {"file", "sha256", "published_sha256", "origin", "licence"}
    assert len(index) == 25


def test_the_digest_that_w3c_publishes_is_told_beside_the_files_own():
    index = json.loads(resources.read(Kind.CONTEXTS, "index.json"))
    assert index["https://www.w3.org/ns/credentials/v2"]["published_sha256"] == (
        "59955ced6697d61e03f2b2556febe5308ab16842846f5b586d7f1f7adec92734"
    )


@pytest.mark.parametrize("name", ["", "..", "../index.json", "a//b", "/etc/passwd", "resident/./x"])
def test_a_name_cannot_leave_its_folder(name):
    assert resources.read(Kind.SCHEMAS, "resident/schema.json")
    with pytest.raises(InvalidInputError):
        resources.read(Kind.SCHEMAS, name)


def test_what_does_not_ship_is_not_found():
    with pytest.raises(NotFoundError) as caught:
        resources.read(Kind.CONTEXTS, "nowhere.json")
    assert caught.value.ref == "nowhere.json"


@pytest.mark.parametrize("name", ["resident", "a\0b"])
def test_what_cannot_be_read_is_told_as_damage(name):
    with pytest.raises(CorruptError):
        resources.read(Kind.SCHEMAS, name)


def test_an_installation_without_data_is_told_as_damage(monkeypatch, tmp_path):
    monkeypatch.setattr(resources, "_PLACES", {Kind.SCHEMAS: (tmp_path / "none",)})
    with pytest.raises(CorruptError, match="install cityid again"):
        resources.read(Kind.SCHEMAS, "index.json")


def test_the_packages_copy_goes_before_the_checkouts(monkeypatch, tmp_path):
    for name in ("package", "checkout"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "index.json").write_text(name)
    places = (tmp_path / "package", tmp_path / "checkout")
    monkeypatch.setattr(resources, "_PLACES", {Kind.SCHEMAS: places})
    assert resources.read(Kind.SCHEMAS, "index.json") == b"package"
