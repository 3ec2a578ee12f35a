"""No number without its source: the pages of the guide on ketamine, as they are written."""

import re
import tomllib

import pytest

from pages.management.commands.load_pages import FENCE, STARTER

GUIDE = "ketamine-for-migraine"
FILES = sorted([STARTER / f"{GUIDE}.md", *(STARTER / GUIDE).rglob("*.md")])
# What says nothing about ketamine, the law or money, and needs no source.
EXEMPT = re.compile(
    r"\b(911|988|1-800-\d{3}-\d{4})\b"  # whom to call
    r"|\b95% interval|a scale of 0 to 10\b|of 0 to 100\b|times 10\b"  # how to read a number
    r"|, for more than 24 hours"  # when we want to be called
)
CITED = re.compile(r"\[@[a-z0-9-]+\]")
UNSEEN = re.compile(r"\]\([^)]*\)|^\d+\. ", re.MULTILINE)  # where a link leads, the number of a step
WORDS = {"one": "1", "two": "2", "three": "3", "four": "4"}


def parts(body):
    """Whole tables and pictures with their lines, then paragraphs and list items. Headings are none."""
    whole = re.compile(r"^::: (?:table|plot|people)\b.*?^:::$", re.MULTILINE | re.DOTALL)
    yield from whole.findall(body)
    rest = re.sub("^(:::|#).*$", "", whole.sub("", body), flags=re.MULTILINE)
    yield from re.split(r"\n\s*\n|\n(?=- |\d+\. )", rest)


def read(file):
    """The front matter and the body of a page."""
    _, front, body = file.read_text().split(FENCE, 2)
    return tomllib.loads(front), body


def numbers(text):
    return re.findall(r"\d+(?:[.,]\d+)*", EXEMPT.sub("", UNSEEN.sub("", CITED.sub("", text))))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_number_in_the_guide_on_ketamine_has_a_source_beside_it(file):
    _, body = read(file)

    assert [part for part in parts(body) if numbers(part) and not CITED.search(part)] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_number_in_a_summary_stands_in_the_text_with_its_source(file):
    front, body = read(file)
    written = re.sub(r"\w+", lambda word: WORDS.get(word[0].lower(), word[0]), body)
    short = [front["title"], front["summary"], *front["short_version"]]

    assert {number for words in short for number in numbers(words)} - set(numbers(written)) == set()
