"""Finding pages by words: stems, names that staff hold to mean the same, and misspellings."""

import re
from dataclasses import dataclass
from html import unescape
from typing import NamedTuple

from django.db import connection
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from pages.models import Page, Synonym
from pages.spelling import is_english, plain

LONGEST_QUERY = 200  # letters
MOST_WORDS = 12
MOST_SHOWN = 10
LONGEST_TERM = 4  # words
# No stop words to Postgres: how much, how many; and what is left of "can't", "I'm" without an apostrophe.
ASKING = {"much", "many", "cant", "dont", "doesnt", "didnt", "wont", "isnt", "im", "ive", "whats", "hows"}
# Letters that no page has: they stand where the marks will.
START, STOP = "\ue000", "\ue001"
MARKED = re.compile(f"{START}(.*?){STOP}")
SENTENCE_END = re.compile(r"(?<=[.!?]) ")

A_QUERY = "plainto_tsquery('english', %s)"
# 1.0: the title, 0.4: the short version, 0.1: the text. 1: a long page is no closer for being long.
CLOSEST_PAGES = f"""
WITH asked AS (SELECT {{asked}} AS query)
SELECT page.path, live.title, live.summary, plain, count(*) OVER (), query::text
FROM asked, pages_searchentry
JOIN pages_page AS page ON page.id = page_id
JOIN pages_revision AS live ON live.id = live_id
WHERE searched @@ query
ORDER BY ts_rank('{{{{0, 0.1, 0.4, 1}}}}', searched, query, 1) DESC, page.path
LIMIT {MOST_SHOWN}
"""  # noqa: S608
STEM = re.compile(r"'((?:[^']|'')+)'")  # in a tsquery as text
LIKELIEST = 5  # sentences of a page that Postgres looks at to mark words
MARKS = """
SELECT ts_headline('english', text, %s::tsquery, %s)
FROM unnest(%s::text[]) WITH ORDINALITY AS chosen(text, place) ORDER BY place
"""

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


class Hit(NamedTuple):
    """A row of CLOSEST_PAGES."""

    path: str
    title: str
    summary: str
    text: str
    count: int
    query: str


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
    what is no English word is corrected to the nearest word of ours; if no page has those either, some
    of the words are enough. A real word is never turned into another one: "cancel" is not "cancer".
    """
    query = " ".join(query.replace("\0", " ").split())[:LONGEST_QUERY]
    words = [word for word in plain(query).split() if word not in ASKING][:MOST_WORDS]
    if not words:
        return Found(query)
    if found := _results(words, "&&"):
        return Found(query, *found)
    near = _mended(words)
    mended = "" if near == words else " ".join(near)
    if mended and (found := _results(near, "&&")):
        return Found(query, *found, mended)
    if found := _results(near, "||"):
        return Found(query, *found, mended, has_all_words=len(near) == 1)
    return Found(query)


def _meanings(words):
    """Each word, or term of several, with all that staff hold to mean the same."""
    terms = {
        " ".join(words[start : start + n]) for start in range(len(words)) for n in range(1, LONGEST_TERM + 1)
    }
    same = dict(Synonym.objects.filter(term__in=terms).values_list("term", "means"))
    parts, rest = [], words
    while rest:
        size = next((n for n in range(LONGEST_TERM, 1, -1) if " ".join(rest[:n]) in same), 1)
        term, rest = " ".join(rest[:size]), rest[size:]
        parts.append([term, *same[term].split(",")] if term in same else [term])
    return parts


def _results(words, together):
    """The closest results and how many there are in all, or None; `together` is && for all words, or ||."""
    parts = _meanings(words)
    asked = f" {together} ".join(f"({' || '.join([A_QUERY] * len(meanings))})" for meanings in parts)
    with connection.cursor() as cursor:
        cursor.execute(CLOSEST_PAGES.format(asked=asked), [meaning for part in parts for meaning in part])
        hits = [Hit(*row) for row in cursor.fetchall()]
    if not hits:
        return None
    snippets = _snippets([f"{hit.summary}\n{hit.text}" for hit in hits], hits[0].query)
    results = [
        Result(Page(path=hit.path), hit.title, _marked(snippet, hit.summary))
        for hit, snippet in zip(hits, snippets, strict=True)
    ]
    return tuple(results), hits[0].count


def _snippets(texts, query):
    """The likeliest sentences of each text, with the words marked.

    To mark a whole text Postgres must read all of it, which is most of what a search costs. So Python
    looks first for sentences that have words with these stems, or nearly: their last letter may be
    another one, as in "therapi" and "therapy".
    """
    stems = "|".join(f"({re.escape(stem[:-1] or stem)})" for stem in STEM.findall(query))
    likely = re.compile(rf"\b(?:{stems})", re.IGNORECASE)
    chosen = ["\n".join(_likeliest(text, likely)) for text in texts]
    with connection.cursor() as cursor:
        cursor.execute(MARKS, [query, f"StartSel={START}, StopSel={STOP}, HighlightAll=true", chosen])
        return [marked for (marked,) in cursor.fetchall()]


def _likeliest(text, likely):
    """The sentences of a text with the most of these stems, in their order."""
    pieces = [piece for line in text.split("\n") for piece in SENTENCE_END.split(line.strip())]
    found = [len({match.lastindex for match in likely.finditer(piece)}) for piece in pieces]
    places = sorted(range(len(pieces)), key=lambda place: -found[place])[:LIKELIEST]
    return [pieces[place] for place in sorted(places)]


def _marked(text, summary):
    """The sentence with the most of the words; of several the first, and the summary comes first.

    Always whole sentences: half of one can say the opposite.
    """
    words = max(
        (piece for piece in text.split("\n") if START in piece), key=_different_marks, default=summary
    )
    text = escape(" ".join(unescape(words).split()))
    return mark_safe(text.replace(START, "<mark>").replace(STOP, "</mark>"))


def _different_marks(piece):
    return len({word.lower() for word in MARKED.findall(piece)})


def _mended(words):
    unknown = [word for word in words if not is_english(word)]
    if not unknown:
        return words
    with connection.cursor() as cursor:
        cursor.execute(CLOSEST, [unknown])
        near = dict(zip(unknown, (word for (word,) in cursor.fetchall()), strict=True))
    return [near.get(word, word) for word in words]
