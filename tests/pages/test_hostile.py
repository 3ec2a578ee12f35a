"""No text keeps a thread busy: work is counted as calls, since a clock tells of the machine too."""

import re
import sys
from difflib import SequenceMatcher

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pages import differences, markdown
from pages.readability import grade
from tests.pages import hostile

AS_MUCH_WORK = 25  # times that of a plain page of the same length
LENGTH = markdown.LONGEST_PARAGRAPH // 2  # a paragraph that is looked into
TEXTS = hostile.texts(LENGTH)


def calls(act):
    """How many functions are called until it is done, those written in C too."""
    count = 0

    def note(frame, event, argument):
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        act()
    finally:
        sys.setprofile(None)
    return count


def made_ready(text):
    rendered = markdown.render(text, {}, leads_somewhere=lambda path: False)
    grade(rendered.prose)
    return rendered


@pytest.fixture(scope="module")
def plain():
    made_ready(hostile.plain(LENGTH))  # what is kept from the first time on
    return calls(lambda: made_ready(hostile.plain(LENGTH)))


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_that_parsers_are_slow_at_is_little_more_work_than_a_page(name, plain):
    assert calls(lambda: made_ready(TEXTS[name])) < AS_MUCH_WORK * plain


@settings(max_examples=10, deadline=None)
@given(st.lists(st.sampled_from([*hostile.REPEATED.values(), "a", "\n\n", "    "]), min_size=1, max_size=4))
def test_no_mixture_of_them_is_more_work(pieces):
    few, many = ("".join(pieces) * LENGTH)[: LENGTH // 8], ("".join(pieces) * LENGTH)[: LENGTH // 4]

    assert calls(lambda: made_ready(many)) < 4 * calls(lambda: made_ready(few)) + 10_000


@pytest.mark.parametrize("heading", ["a", "source", "main", "part-source", "a-2"])
def test_equal_headings_have_each_their_id_without_trying_all(heading):
    count = 500

    html = made_ready(f"## {heading}\n" * count).html

    ids = html.split('id="')[1:]
    assert len({id.partition('"')[0] for id in ids}) == count
    assert not any(id.startswith(("source-", 'main"')) for id in ids)
    some, more = (calls(lambda n=n: made_ready(f"## {heading}\n" * n)) for n in (250, 500))
    assert more < 2.2 * some


def test_a_paragraph_that_nobody_reads_is_a_fault_with_its_line():
    rendered = made_ready("One.\n\n" + "word " * 1_001 + "\n\nThree.\n")

    assert [str(problem) for problem in rendered.problems] == [
        "Line 3: The paragraph is longer than 5,000 characters; part it."
    ]
    assert "word" not in rendered.html and "Three." in rendered.html


def test_a_text_beyond_the_limit_is_a_fault_and_is_not_looked_into():
    rendered = made_ready("[" * (markdown.LONGEST_TEXT + 1))

    assert [problem.sentence for problem in rendered.problems] == [
        "The body must be 60,000 characters or less. It has 60,001"
    ]
    assert rendered.html == ""


def test_of_very_many_faults_the_first_hundred_are_named():
    problems = made_ready("*a*\n\n" * 200).problems

    assert len(problems) == 101
    assert problems[-1].sentence == "There is more to mend from here on."


def test_many_pictures_are_put_in_at_one_go():
    html = made_ready("::: people 4 of 10 Better\nTen people.\n:::\n\n" * 50).html

    assert html.count("<svg") == 50 and "<slot" not in html


# What changed between two texts


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (["a"] * 400, ["a"] * 390 + ["b"] * 10),
        ([*"abcdefgh"] * 50, [*"hgfedcba"] * 50),
        (list(map(str, range(400))), [word for n in range(400) for word in (str(n), "x")]),
    ],
    ids=["equal", "few different", "something between all"],
)
def test_no_two_texts_are_compared_beyond_the_budget(before, after, monkeypatch):
    looked_at, look = [], SequenceMatcher.find_longest_match

    def noted(matcher, alo, ahi, blo, bhi):
        looked_at.append(sum(1 + len(matcher.b2j.get(each, ())) for each in matcher.a[alo:ahi]))
        return look(matcher, alo, ahi, blo, bhi)

    monkeypatch.setattr(SequenceMatcher, "find_longest_match", noted)
    monkeypatch.setattr(differences, "MOST_PAIRS", 20_000)

    shown = differences.difference("\n".join(before), "\n".join(after))

    assert sum(looked_at) <= 20_000
    assert all(re.search(rf"(^|[>\s]){word}\b", shown) for word in {*before, *after})


def test_a_change_in_a_long_page_is_shown_by_itself():
    before = "".join(f"## Heading {n}\n\nSentence {n} stands here.\n\n" for n in range(500))

    shown = differences.difference(before, before.replace("Sentence 250 ", "Sentence two hundred and fifty "))

    assert shown.count("<del") == 1 and "Heading 400" not in shown
