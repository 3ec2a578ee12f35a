"""Walking through the tokens that the Markdown parser gives."""

from markdown_it.token import Token

from pages.inline import line_of

# To find the ends of brackets and stars, a parser may look at each letter of a paragraph for each other.
LONGEST_PARAGRAPH = 5_000  # letters; a screen shows some 2,000


def leave_out_long_paragraphs(state) -> None:
    """A rule of the parser: what nobody reads is not looked into. `env["too_long"]` lists their lines."""
    for token in state.tokens:
        if token.type == "inline" and len(token.content) > LONGEST_PARAGRAPH:
            state.env.setdefault("too_long", []).append(line_of(token, 1))
            token.content = ""


def facts_in(tokens: list[Token]) -> list[str]:
    """The keys of the facts that these blocks name, each once."""
    named = [child.content for token in tokens for child in token.children or [] if child.type == "fact"]
    return list(dict.fromkeys(named))


def closing(tokens: list[Token], position: int) -> int:
    """The place of the token that closes the one at `position`."""
    depth = 0
    for place in range(position, len(tokens)):
        depth += tokens[place].nesting
        if depth == 0:
            return place
    return len(tokens) - 1


def table_rows(tokens: list[Token]) -> list[tuple[int, list[str]]]:
    """The line and the cells, as words, of every row below the head."""
    rows, in_body = [], False
    for token in tokens:
        if token.type == "tbody_open":
            in_body = True
        elif in_body and token.type == "tr_open":
            rows.append((line_of(token, 1), []))
        elif in_body and token.type == "inline":
            rows[-1][1].append(" ".join(plain(token).split()))
    return rows


def plain(token: Token) -> str:
    """The words of a piece of text, without its markup."""
    return "".join(child.content for child in token.children or [] if child.type in ("text", "code_inline"))
