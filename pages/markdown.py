"""Markdown to HTML that is fit for everybody, and sentences about what is wrong with it.

No database: sources, pictures and addresses are handed in. Nothing is dropped in silence: what
cannot be shown as written is a problem with its line.

    ::: emergency Call 911 if:        ::: do Before you come        ::: figure bay A still bay
    ::: call Call us if:              ::: dont On the way home      ::: table People in 3 trials
    ::: callout Not approved          ::: plot A and B from 0 to 100: How far pain fell
    ::: people 4 of 10 Still better   ::: timeline The day, around an ordered list   ::: until 2026-12-31

`{{legal_name}}` is a fact about the practice (pages.clinic_facts). Readers do not see a paragraph, list item
or table row with one that is open, nor a `::: clinic` box whose facts are all open.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date

from django.utils.html import escape
from django.utils.text import slugify
from markdown_it import MarkdownIt
from mdit_py_plugins.container import container_plugin

from pages import allowed, people, plots, tables, until
from pages.inline import Line, Notes, Problem, citation_rule, fact_rule, line_of, words
from pages.tokens import LONGEST_PARAGRAPH, closing, facts_in, leave_out_long_paragraphs, table_rows

HIDDEN_PREFIX = {"emergency": "Emergency: ", "call": "Call us: ", "callout": "Important: "}
MOST = {"emergency": 1, "call": 1, "callout": 2}
OPENINGS = {
    "emergency": '<div class="care-card care-card--emergency">',
    "call": '<div class="care-card care-card--call">',
    "callout": '<div class="callout">',
    "do": '<div class="do-list">',
    "dont": '<div class="dont-list">',
}
LONGEST_TEXT = 60_000  # letters, five times the longest of our starter pages
TOO_LONG = f"The body must be {LONGEST_TEXT:,} characters or less. It has {{:,}}"
SLOT = re.compile('<slot name="([0-9]+)"></slot>')
CONTAINERS = {*OPENINGS, "clinic", "figure", "people", "plot", "table", "timeline", "until"}
# Ids of the page around the text; source-1 and so on are kept free too.
TAKEN_IDS = {"main", "sources", "short-version", "contents", "guide", "help-title"} | {
    *("display-title", "share", "share-told", "reach", "kept-for"),
}


@dataclass
class Rendered:
    """A text made ready: what readers see, and what the checks of the publish gate ask for."""

    html: str = ""
    headings: list[tuple[str, str]] = field(default_factory=list)
    citations: list[str] = field(default_factory=list)
    prose: list[str] = field(default_factory=list)
    expires_on: date | None = None
    problems: list[Problem] = field(default_factory=list)


def render(
    text: str,
    sources: Mapping,
    *,
    facts: Collection[str] = (),
    leads_somewhere: Callable[[str], bool] | None = None,
    picture: Callable[[str], str | None] = lambda name: None,
) -> Rendered:
    """Turn Markdown into HTML.

    `sources` maps keys to anything with a `short_name`; `facts` are the keys that may be named.
    `leads_somewhere` tells whether an internal address like /migraine/ exists; without it, addresses are
    not checked. `picture` gives the SVG of a name, which is trusted. Never raises. A text longer than
    LONGEST_TEXT gives its problem alone.
    """
    if len(text) > LONGEST_TEXT:
        return Rendered(problems=[Problem(1, TOO_LONG.format(len(text)))])
    return _Page(text, sources, facts, leads_somewhere, picture).render()


def _parser():
    md = MarkdownIt("commonmark").enable("table")
    container_plugin(md, "box", validate=lambda params, markup: True)
    md.inline.ruler.before("link", "cite", citation_rule)
    md.core.ruler.before("inline", "long_paragraphs", leave_out_long_paragraphs)
    md.inline.ruler.before("link", "fact", fact_rule)
    md.validateLink = lambda url: True  # a bad address is reported by us, not passed over
    return md


PARSER = _parser()


class _Page:
    """One text on its way to HTML."""

    def __init__(self, text, sources, facts, leads_somewhere, picture):
        # A last line of its own: the container plugin reads one letter past the end without it.
        self.text = text.replace("\r\n", "\n").replace("\0", "").rstrip() + "\n\n"
        self.lines = self.text.split("\n")
        self.picture = picture
        self.level = 1
        self.ids = dict.fromkeys(TAKEN_IDS, 1)  # how often each was wanted
        self.boxes = []
        self.notes = Notes()
        self.line = Line(sources, facts, leads_somewhere, self.notes, self.boxes)
        self.is_in_part = False
        self.counts = {}
        self.drawn = []
        self.result = Rendered()

    def render(self):
        found = {}
        html = self.blocks(PARSER.parse(self.text, found))
        for line in found.get("too_long", []):
            self.notes.problem(
                f"The paragraph is longer than {LONGEST_PARAGRAPH:,} characters; part it.", line
            )
        # What we drew ourselves is put in last. No writer can make a <slot>: their own "<" is
        # escaped before, and quotes within attributes are.
        clean = SLOT.sub(lambda slot: self.drawn[int(slot[1])], allowed.clean(html))
        if "{{" in clean:
            line = self.text[: self.text.index("{{")].count("\n") + 1
            self.notes.problem("A fact like {{legal_name}} stands in a paragraph, a list or a table.", line)
        self.result.html = clean.strip()
        self.result.citations = self.line.citations
        self.result.problems = sorted(self.notes.problems, key=lambda problem: problem.line)
        return self.result

    def slot(self, drawing):
        self.drawn.append(drawing)
        return f'<slot name="{len(self.drawn) - 1}"></slot>'

    # Blocks

    def blocks(self, tokens):
        html, position = [], 0
        while position < len(tokens):
            token = tokens[position]
            if token.map:
                self.notes.line = token.map[0] + 1
            if token.type == "container_box_open":
                end = closing(tokens, position)
                html.append(self.box(token, tokens[position + 1 : end]))
                position = end
            elif token.type == "table_open":
                end = closing(tokens, position)
                html.append(self.table(tokens[position : end + 1]))
                position = end
            elif keys := self.facts_of(tokens, position):
                end = closing(tokens, position)
                html.append(self.part(token.tag, keys, tokens[position + 1 : end]))
                position = end
            elif token.type == "heading_open":
                html.append(self.heading(token, tokens[position + 1]))
                position += 2
            else:
                html.append(self.block(token, tokens[position - 1] if position else None))
            position += 1
        return "".join(html)

    def facts_of(self, tokens, position):
        """The facts that a paragraph or list item names, unless it stands in a part that waits for them."""
        token = tokens[position]
        if self.is_in_part or token.type not in ("paragraph_open", "list_item_open"):
            return []
        inside = tokens[position : closing(tokens, position)]
        has_list = any(each.type.endswith("_list_open") for each in inside)  # its items come one by one
        if token.hidden and not has_list and facts_in(inside):
            self.notes.problem("A list item with a fact holds no list of its own.")
        return [] if token.hidden or has_list else facts_in(inside)

    def part(self, tag, keys, inside):
        self.is_in_part = True
        html = self.blocks(inside)
        self.is_in_part = False
        return f'<{tag} data-needs="{" ".join(keys)}">{html}</{tag}>\n'

    def block(self, token, before):
        match token.type:
            case "inline":
                return self.paragraph_text(token)
            case "paragraph_open" | "paragraph_close":
                return "" if token.hidden else ("<p>" if token.nesting == 1 else "</p>\n")
            case "ordered_list_open":
                return f'<ol start="{int(token.attrs["start"])}">' if "start" in token.attrs else "<ol>"
            case "blockquote_open":
                return '<blockquote class="inset">'
            case "fence" | "code_block":
                return f"<pre><code>{escape(token.content)}</code></pre>\n"
            case "hr":
                return "<hr>\n"
            case "html_block":
                return self.line.html_of_their_own(token.content)
        return f"<{'/' if token.nesting < 0 else ''}{token.tag}>" if token.tag else ""

    def paragraph_text(self, token):
        html = self.line.html(token)
        if not token.hidden:
            self.result.prose.append(words(html))
        return html

    def heading(self, token, inline):
        level = int(token.tag[1])
        if level == 1:
            self.notes.problem("The title is the only heading of level 1; begin with ##.")
        elif level > self.level + 1:
            self.notes.problem(
                f"The heading skips a level: {'#' * level} cannot follow {'#' * max(self.level, 1)}."
            )
        if level > 4:
            self.notes.problem("Headings end at ####.")
        self.level = min(max(level, 2), 4)
        if facts_in([inline]):
            self.notes.problem("A heading names no fact.")
        return self.heading_html(self.level, self.line.html(inline))

    def heading_html(self, level, html, prefix=""):
        title = words(html)
        if not title:
            self.notes.problem("The heading is empty.")
        id = self.free_id(slugify(title)[:60].strip("-") or "part")
        if level == 2:
            self.result.headings.append((id, title))
        vh = f'<span class="vh">{prefix}</span>' if prefix else ""
        return f'<h{level} id="{id}">{vh}{html}</h{level}>\n'

    def free_id(self, wanted):
        if wanted.startswith("source-") or (wanted == "source" and wanted in self.ids):
            wanted = f"part-{wanted}"
        id, number = wanted, self.ids.get(wanted, 0)
        while id in self.ids:
            number += 1
            id = f"{wanted}-{number}"
        self.ids[wanted] = max(number, 1)
        self.ids.setdefault(id, 1)
        return id

    # Boxes

    def box(self, token, inside):
        name, _, rest = token.info.strip().partition(" ")
        rest = rest.strip()
        self.refuse_open_end(token, name)
        if name not in CONTAINERS:
            self.notes.problem(
                f"There is no ::: {name}." if name else "This ::: closes nothing and opens nothing."
            )
            return self.blocks(inside)
        if self.boxes:
            self.notes.problem(f"::: {name} stands inside ::: {self.boxes[-1]}; close that first.")
        self.boxes.append(name)
        self.count(name)
        html = self.box_html(name, rest, inside)
        self.boxes.pop()
        return html

    def box_html(self, name, rest, inside):
        if name == "clinic":
            return self.clinic(rest, inside)
        if name == "figure":
            return self.figure(rest, inside)
        if name == "people":
            return self.people(rest, inside)
        if name == "timeline":
            return self.timeline(rest, inside)
        if name == "until":
            return self.until(rest, inside)
        if name in ("table", "plot"):
            return self.table_box(name, rest, inside)
        if not rest:
            self.notes.problem(f"::: {name} needs a heading: ::: {name} Heading")
        if name in ("do", "dont"):
            self.check_list(name, inside)
        # A box under ### stands beside it, so that its heading never skips a level.
        heading = self.heading_of_box(min(self.level + 1, 3), rest, HIDDEN_PREFIX.get(name, ""))
        return f"{OPENINGS[name]}{heading}{self.blocks(inside)}</div>\n"

    def clinic(self, rest, inside):
        keys = facts_in(inside)
        if rest or not keys:
            self.notes.problem("::: clinic has no heading of its own, and names a fact like {{legal_name}}.")
        return f'<section data-needs="{" ".join(keys)}">{self.blocks(inside)}</section>\n'

    def heading_of_box(self, level, words, prefix):
        if not words:
            return ""
        # In the contents list only headings that the writer placed with ##.
        kept = len(self.result.headings)
        html = self.heading_html(level, escape(words), prefix)
        del self.result.headings[kept:]
        return html

    def refuse_open_end(self, token, name):
        last = token.map[1]
        if last >= len(self.lines) or not self.lines[last].strip().startswith(":::"):
            self.notes.problem(f"::: {name} is never closed.")

    def count(self, name):
        self.counts[name] = self.counts.get(name, 0) + 1
        if self.counts[name] == MOST.get(name, 0) + 1 and name in MOST:
            self.notes.problem(f"A page has at most {MOST[name]} of ::: {name}; readers skip the rest.")

    def check_list(self, name, inside):
        if not any(token.type == "bullet_list_open" for token in inside):
            self.notes.problem(f"::: {name} holds a list.")
        if name == "do":
            return
        for before, token in zip(inside, inside[2:], strict=False):
            starts_item = before.type == "list_item_open" and token.type == "inline"
            if starts_item and not token.content.lower().startswith("do not "):
                self.notes.problem(
                    'Every item of ::: dont starts with "do not".', line_of(token, self.notes.line)
                )

    def figure(self, rest, inside):
        name, _, caption = rest.partition(" ")
        svg = self.picture(name) if re.fullmatch(r"[a-z0-9-]+", name) else None
        if svg is None:
            self.notes.problem(f'There is no picture "{name}".')
        if not caption:
            self.notes.problem(f"The picture needs a caption: ::: figure {name} Caption")
        alternative = words(self.blocks(inside))
        if not alternative:
            self.notes.problem("The picture needs words for those who cannot see it, between the ::: lines.")
        return (
            f'<figure class="figure"><div role="img" aria-label="{escape(alternative)}">'
            f"{self.slot(svg or '')}</div><figcaption>{escape(caption)}</figcaption></figure>\n"
        )

    def people(self, rest, inside):
        """So many of so many people; who they were stands below, for everybody to read."""
        opened = self.notes.line
        drawn, fault = people.read(rest)
        about = self.blocks(inside)
        if fault:
            self.notes.problem(fault, opened)
        if not words(about):
            self.notes.problem("Say between the ::: lines who was counted.", opened)
        svg = self.slot(people.draw(drawn, self.free_id("people"))) if drawn else ""
        caption = drawn.caption if drawn else rest
        return f'<figure class="figure"><figcaption>{escape(caption)}</figcaption>{svg}</figure>\n{about}'

    def timeline(self, rest, inside):
        """The list stays a list; the line beside it is drawn by the style sheet."""
        if not rest:
            self.notes.problem("The timeline needs a caption: ::: timeline Caption")
        alone = inside and inside[0].type == "ordered_list_open" and closing(inside, 0) == len(inside) - 1
        if not alone:
            self.notes.problem("::: timeline holds one numbered list and nothing else.")
        steps = self.blocks(inside)
        return f'<figure class="figure timeline"><figcaption>{escape(rest)}</figcaption>{steps}</figure>\n'

    def until(self, rest, inside):
        """Sentences that readers no longer see when the day is over."""
        opened, html = self.notes.line, self.blocks(inside)
        day, faults = until.read(rest, html)
        for fault in faults:
            self.notes.problem(fault, opened)
        if day:
            self.result.expires_on = min(day, self.result.expires_on or day)
        return until.dated(html, day) if day else html

    # Tables and plots

    def table_box(self, name, rest, inside):
        tables = [token for token in inside if token.type == "table_open"]
        if len(tables) != 1 or inside[0].type != "table_open" or closing(inside, 0) != len(inside) - 1:
            self.notes.problem(f"::: {name} holds one table and nothing else.")
            return self.blocks(inside)
        if name == "plot":
            return self.plot(rest, inside)
        if not rest:
            self.notes.problem("The table needs a caption: ::: table Caption")
        return self.table(inside, rest)

    def table(self, tokens, caption=None):
        if caption is None and not self.boxes:
            self.notes.problem("A table stands between ::: table Caption and :::.")
        id = self.free_id(f"table-{slugify(caption or '')[:40].strip('-') or 'of-this-page'}")
        return tables.html(tokens, caption or "Table", id, self.line)

    def plot(self, rest, inside):
        """The picture and, below it, the table it was drawn from: one fact, written once."""
        plot, faults = plots.read(rest, table_rows(inside), self.notes.line)
        for line, sentence in faults:
            self.notes.problem(sentence, line)
        if not plot:
            return self.table(inside, rest)
        svg = self.slot(plots.draw(plot, self.free_id("plot")))
        table = self.table(inside, "In numbers: " + plot.caption.partition(". ")[0])
        return (
            f'<figure class="figure"><figcaption>{escape(plot.caption)}</figcaption>{svg}</figure>\n{table}'
        )
