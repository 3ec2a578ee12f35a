"""What changed between two texts, to be read and to be heard: colour is never the only sign."""

import re
from difflib import Match, SequenceMatcher
from itertools import accumulate

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

from pages.models import WORDS, Revision

WORD = re.compile(r"\S+\s*|\s+")
NEAR = 1  # unchanged lines shown on either side of a change
ALIKE = 0.4  # below it words picked out of both texts make no sense: the whole text is said twice
# Pairs of equal lines or words that are looked at for one difference. To find the best way through all
# takes time that grows with the cube of the length; what is left then is said to be removed and added.
MOST_PAIRS = 10_000_000
GAP = mark_safe('<p class="quiet">Lines without a change are left out here.</p>')


def differences(before: Revision, after: Revision) -> list[tuple[str, SafeString]]:
    """The name of every part that is not the same, and what changed in it, as safe HTML."""
    compared = [name for name in WORDS if name != "change_note"]
    return [
        (Revision._meta.get_field(name).verbose_name.capitalize(), difference(old, new))
        for name in compared
        if (old := getattr(before, name)) != (new := getattr(after, name))
    ]


class _Matcher(SequenceMatcher):
    """One that takes no more pairs than are left of a budget: with `pairs` used up, nothing more is alike."""

    def __init__(self, before, after, pairs):
        super().__init__(None, before, after, autojunk=False)
        self.pairs = pairs
        self.up_to = [0, *accumulate(1 + len(self.b2j.get(each, ())) for each in before)]

    def find_longest_match(self, alo=0, ahi=None, blo=0, bhi=None):
        cost = self.up_to[len(self.a) if ahi is None else ahi] - self.up_to[alo]
        if cost > self.pairs[0]:
            return Match(alo, blo, 0)
        self.pairs[0] -= cost
        return super().find_longest_match(alo, ahi, blo, bhi)


def difference(before: str, after: str) -> SafeString:
    """Removed words stand in <del>, added ones in <ins>; both are also said to who cannot see them."""
    old, new, pairs = before.splitlines(), after.splitlines(), [MOST_PAIRS]
    changes = _Matcher(old, new, pairs).get_grouped_opcodes(NEAR)
    parts = [
        "\n".join(_lines(kind, "\n".join(old[a:b]), "\n".join(new[c:d]), pairs) for kind, a, b, c, d in group)
        for group in changes
    ]
    return mark_safe(GAP.join(f'<div class="difference">{part}</div>' for part in parts))  # escaped below


def _lines(kind, old, new, pairs):
    match kind:
        case "equal":
            return escape(old)
        case "delete":
            return _removed(old)
        case "insert":
            return _added(new)
    return _words(old, new, pairs)


def _words(old, new, pairs):
    before, after = WORD.findall(old), WORD.findall(new)
    # Where a line ends is no difference to readers.
    matcher = _Matcher([word.strip() for word in before], [word.strip() for word in after], pairs)
    if matcher.ratio() < ALIKE:
        return f"{_removed(old)}\n{_added(new)}"
    parts = []
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "equal":
            parts.append(escape("".join(after[c:d])))
        else:
            parts += [_removed("".join(before[a:b])), _added("".join(after[c:d]))]
    return "".join(parts)


def _removed(words):
    return _said("del", "removed", words)


def _added(words):
    return _said("ins", "added", words)


def _said(tag, said, words):
    if not words:
        return ""
    return format_html(
        '<{0}><span class="vh"> {1}: </span>{2}<span class="vh"> end of {1} </span></{0}>', tag, said, words
    )
