"""What only this practice can say of itself, put into pages when they are read.

A page names a fact as `{{legal_name}}`. Managers write the values, once; the settings give the rest. A
paragraph, list item or table row with a fact that nobody has written yet is left out, and so is a
`::: clinic` box with none that is written. So no reader ever meets a blank.
"""

import re
from collections.abc import Mapping

from django.conf import settings
from django.db import Error
from django.utils.html import urlize
from django.utils.safestring import SafeString, mark_safe

from pages.models import ClinicFact

# As pages.markdown writes them. Boxes hold parts, and neither stands inside another of its kind.
BOX = re.compile(r'<section data-needs="([a-z0-9_ ]+)">(.*?)</section>', re.DOTALL)
PART = re.compile(r'<(p|li|tr) data-needs="([a-z0-9_ ]+)"( role="row")?>(.*?)</\1>', re.DOTALL)
FIELD = re.compile(r'<data value="([a-z0-9_]+)"></data>')
EMPTY_LIST = re.compile(r"<([uo])l>\s*</\1l>")


def of_the_settings() -> dict[str, str]:
    """The facts that the settings hold, by key: they are never open."""
    clinic, kept = settings.CLINIC, settings.KEPT_DAYS
    return {
        "clinic_name": clinic["name"],
        "clinic_phone": clinic["phone"],
        "clinic_email": clinic["email"],
        **{f"{what}_kept_days": str(days) for what, days in kept.items()},
    }


def keys() -> set[str]:
    """Every key that a page may name."""
    return {*of_the_settings(), *ClinicFact.objects.values_list("key", flat=True)}


def values() -> dict[str, str]:
    """What is known by now, by key."""
    stored = ClinicFact.objects.exclude(value="").values_list("key", "value")
    return {**dict(stored), **of_the_settings()}


def fill(html: str, known: Mapping[str, str] | None = None) -> SafeString:
    """The HTML of a revision as readers see it; values are escaped, and addresses in them become links.

    `html` was made by pages.markdown. `known` is what `values` gives; without it the database is asked,
    but only where a fact is named.
    """
    if "<data " not in html:
        return mark_safe(html)
    known = values() if known is None else known

    def box(match):
        return match[2] if any(key in known for key in match[1].split()) else ""

    def part(match):
        tag, needs, role, inside = match.groups()
        return f"<{tag}{role or ''}>{inside}</{tag}>" if all(key in known for key in needs.split()) else ""

    shown = FIELD.sub(lambda match: _in_html(known[match[1]]), PART.sub(part, BOX.sub(box, html)))
    return mark_safe(EMPTY_LIST.sub("", shown))


def _in_html(value):
    return "<br>".join(urlize(line, autoescape=True) for line in value.splitlines())


def is_being_set_up() -> bool:
    """Whether this is a real clinic's site that still owes its readers a required fact.

    False for the demo, which says of itself that it is one, and while the database does not answer.
    """
    if settings.CLINIC["is_demo"]:
        return False
    try:
        return ClinicFact.objects.required_and_open().exists()
    except Error:
        return False


def for_templates(request) -> dict:
    """The context processor: the question is asked only by a template that shows the answer."""
    return {"is_being_set_up": is_being_set_up}
