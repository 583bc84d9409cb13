"""The contexts that ship with cityid say what their publishers' do."""

import hashlib

import pytest

import vectors
from cityid.canonical import CONTEXTS

FOLDER = "contexts"
INDEX = {  # "#w3c-copy" marks a second edition of a context, under a name that no document uses
    url: row
    for url, row in (vectors.load(FOLDER, "index.json") or {}).items()
    if not url.endswith("#w3c-copy")
}
VC2_SHA256 = "59955ced6697d61e03f2b2556febe5308ab16842846f5b586d7f1f7adec92734"


@pytest.mark.parametrize(
    ("url", "file"), [vectors.case(FOLDER, url, row["file"], id=url) for url, row in INDEX.items()]
)
def test_the_shipped_context_is_the_published_one(url, file):
    assert CONTEXTS.document(url) == vectors.load(FOLDER, file)


@pytest.mark.skipif(not INDEX, reason="the vectors are missing")
def test_the_hash_of_the_specification_is_the_hash_of_the_published_file():
    file = vectors.ROOT / FOLDER / INDEX["https://www.w3.org/ns/credentials/v2"]["file"]

    assert hashlib.sha256(file.read_bytes()).hexdigest() == VC2_SHA256
