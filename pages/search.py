"""Finding pages by words: stems, names that staff hold to mean the same, and misspellings."""

import re
from dataclasses import dataclass
from functools import reduce
from html import unescape
from operator import and_, or_

from django.contrib.postgres.search import SearchHeadline, SearchQuery, SearchRank
from django.db import connection
from django.db.models import Count, F, TextField, Value, Window
from django.db.models.functions import Concat
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from pages.models import Page, SearchEntry, Synonym

LANGUAGE = "english"
WORD = re.compile(r"\w+(?:[-'’]\w+)*")
LONGEST_QUERY = 200  # letters
MOST_WORDS = 12
MOST_SHOWN = 10  # their snippets are half the cost of a search
LONGEST_TERM = 4  # words
ASKING = {"much", "many"}  # how much, how many: no stop words to Postgres
WEIGHTS = [0.0, 0.1, 0.4, 1.0]  # nothing, the text, the short version, the title
# Letters that no page has: they stand where the marks will.
START, STOP = "\ue000", "\ue001"
MARKED = re.compile(f"{START}(.*?){STOP}")
SENTENCE_END = re.compile(r"(?<=[.!?]) ")

# The word of ours that looks most like each of theirs. 0.4: "migrane" is 0.5 like "migraine".
CLOSEST = """
SELECT coalesce(closest.word, theirs.word)
FROM unnest(%s::text[]) WITH ORDINALITY AS theirs(word, place)
LEFT JOIN LATERAL (
    SELECT ours.word
    FROM (
        SELECT word FROM pages_knownword WHERE word %% theirs.word AND EXISTS (
            SELECT FROM pages_searchentry WHERE searched @@ plainto_tsquery('english', word)
        )
        UNION ALL SELECT regexp_split_to_table(term, '[ -]') FROM pages_synonym
    ) AS ours(word)
    WHERE similarity(ours.word, theirs.word) >= 0.4
    ORDER BY similarity(ours.word, theirs.word) DESC, ours.word LIMIT 1
) AS closest ON length(theirs.word) > 3 AND numnode(plainto_tsquery('english', theirs.word)) > 0
ORDER BY theirs.place
"""


@dataclass(frozen=True)
class Result:
    """A page that was found, with a piece of its text in which the words are marked, or its summary."""

    page: Page
    title: str
    snippet: SafeString


@dataclass(frozen=True)
class Found:
    """What was looked for and what came of it. `mended` are the words it was found by, if not theirs."""

    query: str = ""
    results: tuple[Result, ...] = ()
    count: int = 0
    mended: str = ""
    has_all_words: bool = True


def find(query: str) -> Found:
    """The public pages that have these words, the closest first. Takes any text and never raises.

    Every word must be there, in the title, the short version or the text. If no page has them all,
    the words are mended to words of ours; if none has those either, some of them are enough.
    """
    query = " ".join(query.replace("\0", " ").split())[:LONGEST_QUERY]
    words = [word for word in WORD.findall(query.lower()) if word not in ASKING][:MOST_WORDS]
    if not words:
        return Found(query)
    if found := _results(_wanted(words, and_)):
        return Found(query, *found)
    near = _mended(words)
    mended = "" if near == words else " ".join(near)
    if mended and (found := _results(_wanted(near, and_))):
        return Found(query, *found, mended)
    if found := _results(_wanted(near, or_)):
        return Found(query, *found, mended, has_all_words=len(near) == 1)
    return Found(query)


def _wanted(words, together):
    """The question to Postgres: each word, or anything staff hold to mean the same."""
    terms = {
        " ".join(words[start : start + n]) for start in range(len(words)) for n in range(1, LONGEST_TERM + 1)
    }
    same = dict(Synonym.objects.filter(term__in=terms).values_list("term", "means"))
    parts, rest = [], words
    while rest:
        size = next((n for n in range(LONGEST_TERM, 1, -1) if " ".join(rest[:n]) in same), 1)
        term, rest = " ".join(rest[:size]), rest[size:]
        meanings = [term, *same.get(term, "").split(",")]
        parts.append(reduce(or_, [SearchQuery(meaning, config=LANGUAGE) for meaning in meanings]))
    return reduce(together, parts)


def _results(wanted):
    """The closest results and how many there are in all, or None."""
    rank = SearchRank(F("searched"), wanted, weights=WEIGHTS, normalization=1)
    marked = SearchHeadline(
        Concat("page__live__summary", Value("\n"), "plain", output_field=TextField()),
        wanted,
        config=LANGUAGE,
        start_sel=START,
        stop_sel=STOP,
        highlight_all=True,
    )
    closest = (
        SearchEntry.objects.filter(searched=wanted)
        .select_related("page__live")
        .only("page__path", "page__live__title", "page__live__summary")
        .annotate(marked=marked, count=Window(Count("*")))
        .order_by(-rank, "page__path")[:MOST_SHOWN]
    )
    results = tuple(Result(hit.page, hit.page.live.title, _marked(hit)) for hit in closest)
    return (results, closest[0].count) if results else None


def _marked(hit):
    """The sentence with the most of the words; of several the first, and the summary comes first.

    Always whole sentences: half of one can say the opposite.
    """
    pieces = [
        piece
        for line in hit.marked.split("\n")
        for piece in SENTENCE_END.split(line.strip())
        if START in piece
    ]
    words = max(pieces, key=_different_marks, default=hit.page.live.summary)
    text = escape(" ".join(unescape(words).split()))
    return mark_safe(text.replace(START, "<mark>").replace(STOP, "</mark>"))


def _different_marks(piece):
    return len({word.lower() for word in MARKED.findall(piece)})


def _mended(words):
    with connection.cursor() as cursor:
        cursor.execute(CLOSEST, [words])
        return [word for (word,) in cursor.fetchall()]
