import re

from pages import people


def figures(svg, kind):
    return [int(x) for x in re.findall(rf'<circle class="people--{kind}" cx="(\d+)"', svg)]


def test_as_many_figures_are_filled_as_were_counted():
    svg = people.draw(people.People(4, 10, "Better"), "people")

    assert figures(svg, "some") == [16, 48, 80, 112]
    assert figures(svg, "other") == [144, 176, 208, 240, 272, 304]


def test_ten_stand_in_a_row():
    svg = people.draw(people.People(15, 20, "Better"), "people")

    assert re.findall(r'viewBox="0 0 (\d+) (\d+)"', svg) == [("320", "108")]
    assert figures(svg, "some")[9:11] == [304, 16]
    assert len(set(re.findall(r'cy="(\d+)"', svg))) == 3  # filled in 2 rows, open in the second only


def test_filled_and_open_figures_differ_in_shape_too():
    some, other = (people.draw(people.People(n, 2, "Better"), "people") for n in (2, 0))

    assert (some.count("<path"), other.count("<path")) == (4, 2)
    assert set(re.findall(r' r="(\d)"', some)) != set(re.findall(r' r="(\d)"', other))


def test_the_people_can_be_heard():
    svg = people.draw(people.People(4, 10, "About <4> in 10"), "people-2")

    assert svg.startswith('<svg class="people" role="img" aria-labelledby="people-2-title people-2-desc"')
    assert '<title id="people-2-title">About &lt;4&gt; in 10</title>' in svg
    assert '<desc id="people-2-desc">4 of 10 figures are filled.</desc>' in svg
