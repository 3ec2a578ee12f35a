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
# A page whose title was typed comes first. 1.0: the title, 0.4: the short version, 0.1: the text. The last 1:
# a long page is no closer for being long.
CLOSEST_PAGES = f"""
WITH asked AS (SELECT {{asked}} AS query)
SELECT page.path, live.title, live.summary, plain, count(*) OVER (), query::text
FROM asked, pages_searchentry
JOIN pages_page AS page ON page.id = page_id
JOIN pages_revision AS live ON live.id = live_id
WHERE searched @@ query
ORDER BY lower(live.title) = %s DESC, ts_rank('{{{{0, 0.1, 0.4, 1}}}}', searched, query, 1) DESC, page.path
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


class Known(NamedTuple):
    """A row of the list of synonyms: what a term means, and the page that it leads to first, if any."""

    means: str
    path: str | None
    title: str | None
    summary: str | None


def find(query: str) -> Found:
    """The public pages that have these words, the closest first. Takes any text and never raises.

    Every word must be there, in the title, the short version or the text. If no page has them all,
    what is no English word is corrected to the nearest word of ours; if no page has those either, some
    of the words are enough. A real word is never turned into another one: "cancel" is not "cancer".
    A page that staff named for one of the words comes before all others.
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


def _known(words):
    """The synonyms that these words, or their singulars, begin with at any place: {term: Known}."""
    terms = {
        " ".join(one[start : start + n])
        for one in (words, _singulars(words))
        for start in range(len(one))
        for n in range(1, LONGEST_TERM + 1)
    }
    rows = Synonym.objects.filter(term__in=terms).values_list(
        "term", "means", "page__path", "page__live__title", "page__live__summary"
    )
    return {term: Known(*row) for term, *row in rows}


def _singulars(words):
    return [re.sub("(?<=[a-z]{2}[^s])s$", "", word) for word in words]


def _meanings(words, known):
    """Each word, or term of several, with all that staff hold to mean the same; and which terms these are."""
    parts, terms, rest = [], [], words
    while rest:
        size = next((n for n in range(LONGEST_TERM, 0, -1) if _term(rest[:n], known)), 1)
        term, rest = _term(rest[:size], known), rest[size:]
        if term:
            terms.append(term)
        said = " ".join(words[len(words) - len(rest) - size : len(words) - len(rest)])
        parts.append([said, *(known[term].means.split(",") if term else [])])
    return parts, terms


def _term(words, known):
    return next((" ".join(one) for one in (words, _singulars(words)) if " ".join(one) in known), None)


def _results(words, together):
    """The closest results and how many there are in all, or None; `together` is && for all words, or ||."""
    known = _known(words)
    parts, terms = _meanings(words, known)
    asked = f" {together} ".join(f"({' || '.join([A_QUERY] * len(meanings))})" for meanings in parts)
    with connection.cursor() as cursor:
        asks = [meaning for part in parts for meaning in part]
        cursor.execute(CLOSEST_PAGES.format(asked=asked), [*asks, " ".join(words)])
        hits = [Hit(*row) for row in cursor.fetchall()]
    bets = [known[term] for term in sorted(terms, key=_weight, reverse=True) if known[term].title]
    if not hits and not bets:
        return None
    snippets = _snippets([f"{hit.summary}\n{hit.text}" for hit in hits], hits[0].query) if hits else []
    results = [
        Result(Page(path=hit.path), hit.title, _marked(snippet, hit.summary))
        for hit, snippet in zip(hits, snippets, strict=True)
    ]
    return _with_best(results, hits[0].count if hits else 0, bets[:1])


def _weight(term):
    """What somebody means is said by the longest term: "nerve block", not "nerve"."""
    return term.count(" "), len(term)


def _with_best(results, count, bets):
    """The results with the page that staff want first in front of them."""
    for best in bets:
        others = [result for result in results if result.page.path != best.path]
        count += len(others) == len(results) and count <= MOST_SHOWN
        first = next((one for one in results if one.page.path == best.path), None)
        first = first or Result(Page(path=best.path), best.title, mark_safe(escape(best.summary)))
        results = [first, *others][:MOST_SHOWN]
    return tuple(results), max(count, len(results))


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
