"""Finding a request by whatever somebody says on the phone: a name, an address, a number, a reference."""

import re
import unicodedata

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from bookings.fields import clean_line

EXTENSION = re.compile(r"[\s,;]*(?:extension|ext|x)\.?\s*\d+$", re.IGNORECASE)
NUMBER = re.compile(r"(?:tel:)?[\d\s()+./\u2010-\u2015\u2212-]+", re.IGNORECASE)  # also as it is copied
# How alike a name must be to one that was misheard: high enough that most lists stay short.
ALIKE = "0.4"
AT_MOST = 100
LONGEST = 300  # letters that are looked for: a name has 120, an address 254
FEW = 500  # so many keys are quicker to name than to look for again


def find(requests: QuerySet, text: str) -> tuple[QuerySet, bool]:
    """The requests that `text` means, and whether they only look alike: no name was spelled like that.

    Of a text that is longer than any name or address only the beginning is looked for.

    Few are given by their keys: a list counts its rows and reads a page of them, and would look for the
    words each time.
    """
    text = clean_line(text[:LONGEST])
    words = plain(text).split()
    if not words:
        return requests, False
    number = EXTENSION.sub("", unicodedata.normalize("NFKC", text))
    digits = national(number) if NUMBER.fullmatch(number) else ""
    meant = Q(digits__contains=digits) if digits else _named(words)
    found = requests.filter(meant | Q(reference=reference(text)))
    keys = list(found.order_by().values_list("pk", flat=True)[: FEW + 1])
    looks_alike = not keys and not digits
    if looks_alike:
        keys = _alike(requests, words)
    return (found if len(keys) > FEW else requests.filter(pk__in=keys)), looks_alike


def _named(words):
    """With each word in a name or an address. The index knows three letters in a row, or two at a start."""
    named = Q()
    for word in words:
        at_start = Q(names__startswith=word) | Q(names__contains=f" {word}")
        named &= at_start if len(word) < 3 else Q(names__contains=word)
    return named


def plain(text: str) -> str:
    """As Postgres writes the column that is searched: lower case, without accents."""
    decomposed = unicodedata.normalize("NFKD", text.lower())
    return "".join(letter for letter in decomposed if not "\u0300" <= letter <= "\u036f")


def national(number: str) -> str:
    """The digits without a country code of 1 or zeros in front, which people leave out or not."""
    digits = "".join(str(int(letter)) for letter in number if letter.isdecimal()).lstrip("0")
    return digits[1:] if len(digits) == 11 and digits.startswith("1") else digits


def reference(text: str) -> str:
    """“k7qf 2m9d” as we write it; what is no reference becomes one that nobody has."""
    letters = "".join(letter for letter in text.upper() if letter.isalnum())
    return f"{letters[:4]}-{letters[4:8]}" if len(letters) == 8 else ""


def _alike(requests, words):
    """Keys of those in whose names something is like each of the words; short ones are like too much.

    Word by word: all of them as one text took Postgres three times as long with a million requests.
    """
    each_alike = Q()
    for word in [word for word in words if len(word) > 3] or [" ".join(words)]:
        each_alike &= Q(names__trigram_word_similar=word)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('pg_trgm.word_similarity_threshold', %s, true)", [ALIKE])
        alike = requests.order_by().filter(each_alike)
        return list(alike.values_list("pk", flat=True)[:AT_MOST])
