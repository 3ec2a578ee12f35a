import re

import pytest

from pages.differences import difference, differences
from pages.models import Revision


def plain(html):
    """The words with [-removed-] and {+added+}, as they stand on the screen."""
    html = re.sub(r'<span class="vh">.*?</span>', "", html)
    for tag, opening, closing in [("del", "[-", "-]"), ("ins", "{+", "+}")]:
        html = html.replace(f"<{tag}>", opening).replace(f"</{tag}>", closing)
    return re.sub(r"<div class=.difference.>(.*?)</div>", r"\1", html, flags=re.DOTALL)


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("", "", ""),
        ("same", "same", ""),
        ("", "new", "{+new+}"),
        ("old", "", "[-old-]"),
        ("Light can hurt you.", "Light may hurt you.", "Light [-can -]{+may +}hurt you."),
        ("a b c d", "w x y z", "[-a b c d-]\n{+w x y z+}"),
        ("one two\nthree four", "one two three\nfour", "one two three\nfour"),
        ("one\ntwo", "one\ntwo\nthree", "two\n{+three+}"),
    ],
)
def test_a_difference_names_the_words(before, after, shown):
    assert plain(difference(before, after)) == shown


def test_far_lines_are_left_out_and_this_is_said():
    before = [str(number) for number in range(20)]
    after = ["zero", *before[1:19], "nineteen"]

    html = difference("\n".join(before), "\n".join(after))

    assert html.count("Lines without a change are left out here.") == 1
    assert "10" not in html


def test_changes_are_said_to_who_cannot_see_them():
    assert difference("a b c", "a x c") == (
        '<div class="difference">a '
        '<del><span class="vh"> removed: </span>b <span class="vh"> end of removed </span></del>'
        '<ins><span class="vh"> added: </span>x <span class="vh"> end of added </span></ins>c</div>'
    )


@pytest.mark.parametrize(("before", "after"), [("<b>", ""), ("", "<b>"), ("<b> a", "<b> c"), ("<i>", "<b>")])
def test_markup_stays_text(before, after):
    assert re.findall(r"<(?!/?(?:div|ins|del|span))", difference(before, after)) == []


def test_only_parts_that_changed_are_named():
    before = Revision(title="Light", body="a", change_note="First")
    after = Revision(title="Light", body="b", short_version="New", change_note="Second")

    assert [name for name, _ in differences(before, after)] == ["Short version", "Body"]
