import re

from pages import people


def figures(svg, kind):
    """Where the figures of a kind stand: the corners at which their strokes begin."""
    path = re.search(rf'<path class="people--{kind}" d="([^"]*)"', svg)
    return [(int(x), int(y)) for x, y in re.findall(r"M(\d+) (\d+)", path[1])] if path else []


def test_as_many_figures_are_filled_as_were_counted():
    svg = people.draw(people.People(4, 10, "Better"), "people")

    assert figures(svg, "some") == [(0, 0), (32, 0), (64, 0), (96, 0)]
    assert figures(svg, "other") == [(128, 0), (160, 0), (192, 0), (224, 0), (256, 0), (288, 0)]


def test_ten_stand_in_a_row():
    svg = people.draw(people.People(15, 20, "Better"), "people")

    assert re.findall(r'viewBox="0 0 (\d+) (\d+)"', svg) == [("320", "108")]
    assert figures(svg, "some")[9:11] == [(288, 0), (0, 54)]
    assert len(figures(svg, "other")) == 5


def test_filled_and_open_figures_differ_in_shape_too():
    assert people.FILLED != people.OPEN
    assert figures(people.draw(people.People(2, 2, "Better"), "people"), "other") == []
    assert figures(people.draw(people.People(0, 2, "Better"), "people"), "some") == []


def test_the_people_can_be_heard():
    svg = people.draw(people.People(4, 10, "About <4> in 10"), "people-2")

    assert svg.startswith('<svg class="people" role="img" aria-labelledby="people-2-title people-2-desc"')
    assert '<title id="people-2-title">About &lt;4&gt; in 10</title>' in svg
    assert '<desc id="people-2-desc">4 of 10 figures are filled.</desc>' in svg
