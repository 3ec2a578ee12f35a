"""Sentences that are true until a certain day. They leave the page by themselves when that day is over.

    ::: until 2026-12-31
    The rule lasts until December 31, 2026.
    :::

The day is kept in the HTML, so that a page written once is right on every later day.
"""

import re
from datetime import date

from django.utils.dateformat import format as date_format

# No <section> of ours stands within another, so the first end is its own.
DATED = re.compile(r'<section data-until="(\d{4}-\d\d-\d\d)">.*?</section>\n?', re.DOTALL)


def read(words: str, html: str) -> tuple[date | None, list[str]]:
    """The day in words like "2026-12-31", and sentences on what is wrong.

    `html` is what readers are shown: it names the day, so that nobody wonders how old the sentence is.
    """
    try:
        day = date.fromisoformat(words)
    except ValueError:
        return None, ["Write ::: until 2026-12-31, with the last day on which the sentence is true."]
    faults = []
    if (named := date_format(day, "F j, Y")) not in html:
        faults.append(f"Say the day in the sentence too: {named}.")
    if re.search("<h[2-4]", html):
        faults.append("A heading stands outside of ::: until; the contents would lead nowhere.")
    return day, faults


def dated(html: str, day: date) -> str:
    """The HTML with the last day on which it is shown."""
    return f'<section data-until="{day}">{html}</section>\n'


def left_out(html: str, today: date) -> str:
    """The HTML of a page without what was true only until a day before `today`."""
    return DATED.sub(lambda match: match[0] if date.fromisoformat(match[1]) >= today else "", html)
