import re

from pages import plots


def plot(*rows, low=0, high=100):
    rows = tuple(plots.Row(*row) for row in rows)
    return plots.Plot("Relief", "Ketamine", "Comparison", low, high, rows)


def test_the_marks_stand_where_the_numbers_say():
    svg = plots.draw(plot(("Etchison", "0", "100"), ("Zitek", "50", "25")), "plot")
    circles = re.findall(r'<circle class="plot-mark--a" cx="([\d.]+)%"', svg)
    squares = re.findall(r'<rect class="plot-mark--b" x="([\d.]+)%"', svg)

    # 13 to 87 percent of the width hold 0 to 100; the first square is the legend's.
    assert circles == ["13", "50"]
    assert squares == ["50", "87", "31.5"]


def test_numbers_stand_outside_of_their_marks():
    svg = plots.draw(plot(("THINK", "29.0", "22.2")), "plot")

    assert re.findall(r'text-anchor="end">([\d.]+)<', svg) == ["22.2"]
    assert re.findall(r'dx="14">([\d.]+)<', svg) == ["29.0"]


def test_the_picture_can_be_heard():
    svg = plots.draw(plot(("THINK", "29.0", "22.2")), "plot-2")

    assert svg.startswith('<svg class="plot" role="img" aria-labelledby="plot-2-title plot-2-desc"')
    assert '<title id="plot-2-title">Relief</title>' in svg
    assert '<desc id="plot-2-desc">THINK: Ketamine 29.0, Comparison 22.2.</desc>' in svg


def test_letters_do_not_shrink_with_the_screen():
    svg = plots.draw(plot(("A", "1", "2")), "plot")

    assert "viewBox" not in svg
    assert 'font-size="1rem"' in svg


def test_names_from_the_table_cannot_become_tags():
    assert "<b>" not in plots.draw(plot(("<b>", "1", "2")), "plot")
