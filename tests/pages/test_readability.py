import pytest

from pages import readability


@pytest.mark.parametrize(
    ("word", "count"),
    [
        ("pain", 1),
        ("used", 1),
        ("wanted", 2),
        ("table", 2),
        ("causes", 2),
        ("times", 1),
        ("headache", 2),
        ("hospital", 3),
        ("trial", 2),
        ("special", 2),
        ("science", 2),
        ("patient", 2),
        ("usual", 3),
        ("being", 2),
        ("guideline", 2),
        ("everything", 3),
        ("emergency", 4),
        ("comparison", 4),
        ("off-label", 3),
        ("43.5", 1),
        ("61", 1),
    ],
)
def test_syllables_are_counted_as_they_are_spoken(word, count):
    assert readability.syllables(word) == count


def test_the_words_of_our_topic_count_as_two_syllables():
    assert [readability.syllables(word) for word in ("ketamine", "Migraine", "medicines")] == [2, 2, 2]


def test_grade_of_short_words():
    # 5 words, 1 sentence, 5 syllables: 0.39 * 5 + 11.8 * 1 - 15.59 = 1.95 + 11.8 - 15.59
    assert readability.grade(["The pain does not stop."]) == -1.8


def test_grade_of_two_sentences():
    # 8 words in 2 sentences, 4 each. Syllables: few 1, med-i-cines 2 (ours), help 1, you 1;
    # the 1, hos-pi-tal 3, can 1, help 1; 11 in all.
    # 0.39 * 4 + 11.8 * 11 / 8 - 15.59 = 1.56 + 16.225 - 15.59
    assert readability.grade(["Few medicines help you. The hospital can help."]) == 2.2


def test_grade_of_hard_words():
    # 6 words, 1 sentence. Syllables: guide-line 2, com-par-i-sons 4, are 1, in 1,
    # e-mer-gen-cy 4, hos-pi-tals 3; 15 in all.
    # 0.39 * 6 + 11.8 * 15 / 6 - 15.59 = 2.34 + 29.5 - 15.59
    assert readability.grade(["Guideline comparisons are in emergency hospitals."]) == 16.2


def test_an_item_without_a_full_stop_is_a_sentence():
    # Two items of 2 words and 2 syllables: 0.39 * 2 + 11.8 * 1 - 15.59
    assert readability.grade(["a cat", "a dog"]) == -3.0


def test_a_point_in_a_number_or_abbreviation_ends_no_sentence():
    assert readability.sentence_count("It was 1.5 in the U.S. and p = 0.50 here.") == 1


def test_no_words_have_grade_0():
    assert readability.grade([]) == 0
    assert readability.grade(["", "..."]) == 0
