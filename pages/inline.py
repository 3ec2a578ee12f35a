"""What stands within a line: bold words, links, citations. Faults go to the notes, with their line."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from html import unescape
from urllib.parse import urlsplit

from django.utils.html import escape, strip_tags
from markdown_it.token import Token

CITATION = re.compile(r"\[@([^\[\]\n]*)\]")
MOST_PROBLEMS = 100  # more at once nobody mends
FACT = re.compile(r"\{\{ ?([a-z0-9_]+) ?\}\}")
SCHEMES = {"http", "https", "mailto", "tel"}


@dataclass(frozen=True)
class Problem:
    """What is wrong, in which line of the text, in a sentence for the writer."""

    line: int
    sentence: str

    def __str__(self):
        return f"Line {self.line}: {self.sentence}"


class Notes:
    """The faults found so far, and the line that is read now."""

    def __init__(self):
        self.line = 1
        self.problems = []

    def problem(self, sentence, line=None):
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(Problem(line or self.line, sentence))
        elif len(self.problems) == MOST_PROBLEMS:
            self.problems.append(Problem(line or self.line, "There is more to mend from here on."))


def citation_rule(state, silent):
    """`[@key]`, before links look at the bracket."""
    match = CITATION.match(state.src, state.pos)
    if not match:
        return False
    if not silent:
        state.push("cite", "", 0).content = match[1].strip()
    state.pos = match.end()
    return True


def fact_rule(state, silent):
    """`{{key}}`, a fact about the practice."""
    match = FACT.match(state.src, state.pos)
    if not match:
        return False
    if not silent:
        state.push("fact", "", 0).content = match[1]
    state.pos = match.end()
    return True


class Line:
    """Turns the tokens of a line into HTML, and numbers the sources in reading order."""

    def __init__(
        self,
        sources: Mapping,
        facts: Collection[str],
        leads_somewhere: Callable[[str], bool] | None,
        notes: Notes,
        boxes: list[str],
    ):
        self.sources = sources
        self.facts = facts
        self.leads_somewhere = leads_somewhere
        self.notes = notes
        self.boxes = boxes
        self.citations = []
        self.dropped_links = 0

    def html(self, token):
        line = self.notes.line = line_of(token, self.notes.line)
        html = []
        for child in token.children or []:
            if child.type == "cite" and html:
                html[-1] = html[-1].rstrip()  # a number stays with the words it stands for
            html.append(self.part(child))
            if child.type in ("softbreak", "hardbreak"):
                self.notes.line += 1
        self.notes.line = line
        return "".join(html)

    def part(self, child):
        match child.type:
            case "text":
                return escape(child.content)
            case "cite":
                return self.citation(child.content)
            case "fact":
                return self.fact(child.content)
            case "link_open":
                return self.link(child.attrs.get("href", ""))
            case "link_close":
                return self.link_end()
            case "strong_open" | "strong_close":
                return f"<{'/' if child.nesting < 0 else ''}strong>"
            case "em_open":
                self.notes.problem("There are no italics here; write **bold**, or plain words.")
                return ""
            case "code_inline":
                return f"<code>{escape(child.content)}</code>"
            case "softbreak":
                return "\n"
            case "hardbreak":
                return "<br>\n"
            case "html_inline":
                return self.html_of_their_own(child.content)
            case "image":
                self.notes.problem("A picture stands between ::: figure name Caption and :::.")
                return escape(child.content)
        return ""

    def citation(self, key):
        source = self.sources.get(key)
        if source is None:
            self.notes.problem(f"There is no source [@{key}].")
            return ""
        if key not in self.citations:
            self.citations.append(key)
        number = self.citations.index(key) + 1
        label = escape(f"Source {number}: {source.short_name}")
        return f'<sup class="cite"><a href="#source-{number}" aria-label="{label}">{number}</a></sup>'

    def fact(self, key):
        """A place that is filled when the page is read."""
        if key not in self.facts:
            self.notes.problem(f"There is no fact {{{{{key}}}}}.")
            return ""
        return f'<data value="{key}"></data>'

    def link(self, href):
        sentence = self.fault_of(href)
        if "emergency" in self.boxes and not href.startswith("tel:"):
            sentence = sentence or "An emergency card has no links but phone numbers."
        if sentence:
            self.notes.problem(sentence)
            self.dropped_links += 1
            return ""
        outside = ' rel="noopener"' if href.startswith("http") else ""
        return f'<a href="{escape(href)}"{outside}>'

    def link_end(self):
        if self.dropped_links:
            self.dropped_links -= 1
            return ""
        return "</a>"

    def fault_of(self, href):
        """What is wrong with an address, or nothing."""
        try:
            parts = urlsplit(href)
        except ValueError:
            return f"The address {href} cannot be read."
        if href.startswith("#"):
            return ""
        if parts.scheme:
            if parts.scheme not in SCHEMES:
                return f"The address {href} is not allowed here."
            return ""
        if not href.startswith("/") or href.startswith("//") or "\\" in href:
            return f"The address {href} starts with / for a page of ours, or https:// for others."
        if self.leads_somewhere and not self.leads_somewhere(parts.path):
            return f"Readers find nothing at {parts.path}."
        return ""

    def html_of_their_own(self, content):
        self.notes.problem(
            f"HTML is not allowed; write Markdown instead of {content.strip().splitlines()[0][:40]}."
        )
        return escape(content)


def line_of(token: Token, otherwise: int) -> int:
    return token.map[0] + 1 if token.map else otherwise


def words(html: str) -> str:
    """The words of our own HTML without its tags and without citation marks."""
    return " ".join(unescape(strip_tags(re.sub(r"<sup.*?</sup>", "", html))).split())
