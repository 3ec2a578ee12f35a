"""How many years of school a text asks for: a smoke alarm, not a proof that it is understood."""

import re
from collections.abc import Iterable
from functools import lru_cache

# The words of our topic are heard in every sentence here and known to every reader; counted in
# full they would drown the rest.
FAMILIAR = {
    "ketamine": 2,
    "migraine": 2,
    "migraines": 2,
    "medicine": 2,
    "medicines": 2,
}
WORD = re.compile(r"[A-Za-z0-9À-ɏ][A-Za-z0-9À-ɏ.,'’/%-]*")
SENTENCE_END = re.compile(r"[.!?](?=\s|$)")
VOWELS = re.compile(r"[aeiouyà-ɏ]+")
# Neighbours that sound apart (tri-al, sci-ence, be-ing), and an e within a word that is silent.
SPLIT_VOWELS = re.compile(
    r"(?<![ct])ia(?=[lnt])|(?<![ct])ie(?=n[ct])|scien|iet|r[ei](?=act|ous)|creat|[aeiou]ing|u(?:al|ous)|(?<=[aeiouy][^aeiouy])ea$|rea$"
)
SILENT_INSIDE = re.compile(
    r"guide(?=l)|some(?=[tw])|every|home(?=[lw])|life(?=[st])|care(?=[fl])|safe(?=[tl])|time(?=t)"
)
ABBREVIATION = re.compile(r"\b(?:[A-Za-z]\.){2,}|\b(?:Dr|Mr|Mrs|Ms|vs)\.")


def grade(texts: Iterable[str]) -> float:
    """The Flesch-Kincaid grade of paragraphs and list items (Kincaid and others, 1975).

    0.39 * words per sentence + 11.8 * syllables per word - 15.59. A paragraph or item without a full
    stop is one sentence. No words give 0.
    """
    words = syllables_in_all = sentences = 0
    for text in texts:
        found = words_of(text)
        if not found:
            continue
        words += len(found)
        syllables_in_all += sum(syllables(word) for word in found)
        sentences += max(1, sentence_count(text))
    if not words:
        return 0.0
    return round(0.39 * words / sentences + 11.8 * syllables_in_all / words - 15.59, 1)


def words_of(text: str) -> list[str]:
    return WORD.findall(ABBREVIATION.sub("abbreviation", text))


def sentence_count(text: str) -> int:
    return len(SENTENCE_END.findall(ABBREVIATION.sub("abbreviation", text.strip())))


@lru_cache(10_000)  # a site uses the same few thousand words again and again
def syllables(word: str) -> int:
    """Sounded vowel groups of a word; a number counts as 1, a compound as its parts."""
    parts = re.split(r"[-/]", word.lower())
    return sum(_syllables_of_part(part.strip(".,'’%")) for part in parts if part) or 1


def _syllables_of_part(word):
    if word in FAMILIAR:
        return FAMILIAR[word]
    if not word or any(letter.isdigit() for letter in word):
        return 1
    word = re.sub(r"['’]s$|['’]", "", word)
    count = len(VOWELS.findall(word)) + len(SPLIT_VOWELS.findall(word))
    count -= len(SILENT_INSIDE.findall(word))
    silent_e = re.search(r"[^aeiouyl]e$|[aeiouy][lr]e$|[^aeiouysxzcg]es$|[^aeioutd]ed$", word)
    is_ending_of_its_own = re.search(r"[^aeiou]le$", word)
    return max(1, count - (1 if silent_e and not is_ending_of_its_own else 0))
