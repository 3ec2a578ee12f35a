"""The pages of a guide as one text: no id twice, headings one step down, sources numbered through."""

import re
from dataclasses import dataclass
from datetime import date

from django.utils.safestring import SafeString, mark_safe

from pages import clinic_facts, until
from pages.models import Page

CITATION = re.compile(r'<a href="#source-(\d+)" aria-label="Source \d+: ([^"]*)">\d+</a>')
TAG = re.compile(r"<[^<>]+>")
HEADING = re.compile(r"^(</?h)([2-4])\b")
NAMES = re.compile(r'\b(id|aria-labelledby|href)="(#?)([^"]*)"')


@dataclass(frozen=True)
class Part:
    """One page of the guide, with its text made ready to stand among the others."""

    id: str
    page: Page
    html: SafeString


def joined(pages: list[Page], *, today: date) -> tuple[list[Part], list[str]]:
    """The parts as shown today, and the keys of all their sources in reading order; the first is number 1."""
    parts, keys, facts = [], [], clinic_facts.values()
    for number, page in enumerate(pages, 1):
        own = page.live.citations
        keys += [key for key in own if key not in keys]
        html = clinic_facts.fill(until.left_out(page.live.html, today), facts)
        html = _fitted(html, f"part-{number}", [keys.index(key) + 1 for key in own])
        parts.append(Part(f"part-{number}", page, html))
    return parts, keys


def _fitted(html, prefix, numbers):
    own = set(re.findall(r'\bid="([^"]*)"', html))

    def citation(match):
        number = numbers[int(match[1]) - 1]
        return f'<a href="#source-{number}" aria-label="Source {number}: {match[2]}">{number}</a>'

    def name(match):
        attribute, mark, value = match.groups()
        if attribute == "href" and not (mark and value in own):
            return match[0]  # to another page, a source, or the frame around the text
        return f'{attribute}="{mark}{" ".join(f"{prefix}-{word}" for word in value.split())}"'

    def tag(match):
        lower = HEADING.sub(lambda heading: f"{heading[1]}{int(heading[2]) + 1}", match[0])
        return NAMES.sub(name, lower)

    # Made by pages.markdown, sanitised there; only numbers and names of its own tags are changed.
    return mark_safe(TAG.sub(tag, CITATION.sub(citation, html)))
