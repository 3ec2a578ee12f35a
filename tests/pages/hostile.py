"""Texts that parsers are slow at, each as long as is asked for: after reports against other parsers."""

PLAIN = "## A heading {n}\n\nSome people feel better within a day. Ask us **first**.\n\n- one\n- two\n\n"

# Repeated until the text is long enough; {n} counts.
REPEATED = {
    "equal headings": "## a\n",
    "headings of one slug": "## a {n}\n## a-{n}\n",
    "open brackets": "[",
    "open pictures": "![",
    "brackets and parentheses": "[a](",
    "links within links": "[a](b",
    "links": "[a](/b/) ",
    "closed brackets": "[]",
    "citations": "[@a]",
    "open citations": "[@a",
    "references": "[a{n}]: /b\n",
    "references to nothing": "[a][b]",
    "stars": "*",
    "stars with letters": "*a **b ",
    "underscores": "_a__b ",
    "backticks": "` `` ``` ",
    "backslashes": "\\",
    "entities": "&#x41;&amp;&nosuch;",
    "open tags": "<a ",
    "comments": "<!--",
    "tags": "<div>",
    "addresses": "<https://a.b>",
    "quotes": "> ",
    "quotes by line": "> a\n",
    "nested quotes": ">>>>>>>>>>>>>>>>>>>>>>>>>>>>>> a\n",
    "lists": "- ",
    "list by line": "- a\n",
    "loose list": "- a\n\n",
    "numbers": "1. ",
    "fences": "```\n",
    "boxes": "::: do A\n",
    "boxes with more colons": ":::::::: do A\n- a\n",
    "closed boxes": "::: do A\n- a\n:::\n",
    "people": "::: people 4 of 10 a\na\n:::\n",
    "plots": "::: plot A and B from 0 to 1: C\n\n| a | b | c |\n|-|-|-|\n| a | 0 | 1 |\n\n:::\n",
    "table rows": "| a | b |\n",
    "bars": "|",
    "rules of tables": "|-",
    "long line": "a",
    "long sentence": "a ",
    "abbreviations": "a.",
    "vowels": "aeiou",
    "no break spaces": "\u00a0",
    "combining marks": "a\u0301\u0323",
    "letters of two units": "𝒂",
    "arabic and hebrew": "\u202eא\u0627 ",
    "empty lines": "\n",
    "tabs": "\t",
    "line ends of Windows": "a\r\n",
}


def texts(length: int) -> dict[str, str]:
    """Each text by its name, cut at so many letters."""
    made = {name: _repeated(piece, length) for name, piece in REPEATED.items()}
    half = length // 2
    cells = "|" + "a|" * 60 + "\n"
    return {
        **{name: text[:length] for name, text in made.items()},
        "brackets that close": "[" * half + "]" * half,
        "stars that close": "**" * (half // 2) + "a" + "**" * (half // 2),
        "backticks of every length": "".join(" " + "`" * n for n in range(1, 500))[:length],
        "quotes that get deeper": "".join("> " * n + "a\n" for n in range(1, 500))[:length],
        "lists that get deeper": "".join("  " * n + "- a\n" for n in range(1, 500))[:length],
        "one wide table": f"::: table A\n\n{cells}{'|-' * 60}|\n{cells * (length // len(cells))}\n:::\n"[
            :length
        ],
        "a table without end": ("a|" * half + "\n" + "-|" * half)[:length],
    }


def plain(length: int) -> str:
    """A page as people write it."""
    return _repeated(PLAIN, length)


def _repeated(piece, length):
    if "{n}" not in piece:
        return (piece * (length // len(piece) + 1))[:length]
    return "".join(piece.replace("{n}", str(n)) for n in range(length // len(piece) + 1))[:length]
