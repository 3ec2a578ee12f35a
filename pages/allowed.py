"""What the HTML of a page may be made of, whatever its writer wrote."""

import nh3

from pages.inline import SCHEMES

TAGS = {
    *("a", "b", "blockquote", "br", "code", "div", "figcaption", "figure", "h2", "h3", "h4", "hr", "li"),
    *("ol", "p", "pre", "section", "slot", "span", "strong", "sup", "ul"),
    "data",
    *("caption", "table", "tbody", "td", "th", "thead", "tr"),
}
ATTRIBUTES = {
    "a": {"href", "rel", "aria-label"},
    "div": {"role", "tabindex", "aria-label", "aria-labelledby"},
    "ol": {"start"},
    "data": {"value"},
    "slot": {"name"},
    "td": {"role", "data-head"},
    "th": {"role", "scope"},
    **{tag: {"role"} for tag in ("table", "tbody", "thead")},
    **{tag: {"data-needs"} for tag in ("p", "li")},
    "section": {"data-needs", "data-until"},
    "tr": {"data-needs", "role"},
    **{tag: {"id"} for tag in ("h2", "h3", "h4", "caption")},
}
CLASSES = {
    "blockquote": {"inset"},
    "div": {"care-card", "care-card--emergency", "care-card--call", "callout", "do-list", "dont-list"}
    | {"table-wrap", "table-wrap--cards", "table-wrap--wide"},
    "figure": {"figure", "timeline"},
    "span": {"vh"},
    "sup": {"cite"},
}


def clean(html: str) -> str:
    """The HTML without any tag, attribute, class or address that is not on the lists above."""
    return nh3.clean(
        html,
        tags=TAGS,
        attributes=ATTRIBUTES,
        allowed_classes=CLASSES,
        url_schemes=SCHEMES,
        link_rel=None,
    )
