"""Tables of a page: row headers in the first column, in a region that scrolls by itself.

One with more columns than fit a phone, where names of medicines are long, becomes a card for each row there:
every cell names its column, and roles keep it a table to screen readers whatever CSS makes of it.
"""

from itertools import pairwise

from django.forms.utils import flatatt
from django.utils.html import escape
from markdown_it.token import Token

from pages.inline import Line
from pages.tokens import closing, facts_in, plain

FIT_A_PHONE, FIT_THE_TEXT = 2, 3  # columns of a table
# What the elements of a table are to a screen reader, by tag and scope (WAI-ARIA 1.2, 5.3.3).
ROLES = {("tr", None): "row", ("th", "col"): "columnheader", ("th", "row"): "rowheader", ("td", None): "cell"}
LONGEST_HEAD = 60  # letters of a column's name that each of its cells repeats


def html(tokens: list[Token], caption: str, id: str, line: Line) -> str:
    """The table of these tokens, from its opening to its end; `id` is that of its caption (plain text).

    `line` writes what stands in a cell, and notes problems with the line of the row.
    """
    heads = [plain(after)[:LONGEST_HEAD] for token, after in pairwise(tokens) if token.type == "th_open"]
    has_cards = len(heads) > FIT_A_PHONE
    html, column = [], 0
    for place, token in enumerate(tokens[1:-1], 1):
        if token.map:
            line.notes.line = token.map[0] + 1
        if token.type == "inline":
            html.append(line.html(token))
            continue
        if token.type == "tr_open":
            column = 0
        tag = token.tag
        if token.type in ("td_open", "td_close") and column <= (token.type == "td_close"):
            tag = "th"
        html.append(f"</{tag}>")
        if token.nesting > 0:
            attributes = {"scope": "col" if token.type == "th_open" else "row"} if tag == "th" else {}
            if tag == "tr" and (keys := facts_in(tokens[place : closing(tokens, place)])):
                attributes["data-needs"] = " ".join(keys)
            if has_cards and tag == "td":
                attributes["data-head"] = heads[column] if column < len(heads) else ""
            if has_cards:
                attributes["role"] = ROLES.get((tag, attributes.get("scope")), "rowgroup")
            html[-1] = f"<{tag}{flatatt(attributes)}>"
        column += token.type in ("th_open", "td_open")
    classes, role = (" table-wrap--cards", ' role="table"') if has_cards else ("", "")
    classes += " table-wrap--wide" if len(heads) > FIT_THE_TEXT else ""
    return (
        f'<div class="table-wrap{classes}" role="region" tabindex="0" aria-labelledby="{id}"><table{role}>'
        f'<caption id="{id}">{escape(caption)}</caption>{"".join(html)}</table></div>\n'
    )
