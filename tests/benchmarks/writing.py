"""What it costs to keep a page: run `python -m tests.benchmarks.writing`.

Each text that parsers are slow at, as long as a body may be, is made ready and graded, and then compared
with a plain page, in seconds of the processor: what another process takes does not count. It ends with 1
where one of them takes a second or more: to keep a page is to make it ready twice.
"""

import sys
from time import process_time

import tests.benchmarks.scratch  # noqa: F401, first: it sets Django up

# isort: split
from pages import markdown
from pages.differences import difference
from pages.readability import grade
from tests.benchmarks.table import Row, show
from tests.pages import hostile

MOST = 1_000  # ms
SHOWN = 8  # of the texts, the slowest


def figures():
    """The rows of the table, one after the other."""
    texts, plain = hostile.texts(markdown.LONGEST_TEXT), hostile.plain(markdown.LONGEST_TEXT)
    for name, act in {"made ready": made_ready, "compared": lambda text: difference(plain, text)}.items():
        usual = processor_time(lambda act=act: act(plain + "\n")) or 1
        took = {text: processor_time(lambda act=act, text=text: act(texts[text])) for text in texts}
        for text in sorted(took, key=took.get, reverse=True)[:SHOWN]:
            yield Row(f"{name}: {text}", took[text], "ms", usual, "a plain page", most=MOST)


def made_ready(text):
    grade(markdown.render(text[: markdown.LONGEST_TEXT], {}, leads_somewhere=lambda path: False).prose)


def processor_time(act):
    """Milliseconds of the processor, of the quicker of two runs."""
    took = []
    for _ in range(2):
        begin = process_time()
        act()
        took.append(process_time() - begin)
    return min(took) * 1000


if __name__ == "__main__":
    sys.exit(show(figures()))
