"""Conversion of descriptions between form and service."""

from html import escape

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hirewire.web.pages.writing import as_html, as_written, is_unchanged

STORED = (
    "<p>Two lines<br>in one paragraph &amp; more</p><p><strong>You will:</strong></p>"
    "<ul><li>write <em>Go</em></li><li>read snake_case</li></ul><ol><li>first</li></ol>"
    '<h3>Where</h3><p><a href="https://example.org/a_b" rel="noopener">here</a></p>'
)


def test_html_reads_as_people_write() -> None:
    assert as_written(STORED) == (
        "Two lines\nin one paragraph & more\n\n**You will:**\n\n- write *Go*\n- read snake_case\n\n"
        "1. first\n\n### Where\n\n[here](https://example.org/a_b)"
    )


@pytest.mark.parametrize(
    ("written", "html"),
    [
        ("One\r\n\r\nTwo", "<p>One</p>\n<p>Two</p>"),
        ("One\nTwo", "<p>One<br />\nTwo</p>"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
        ("**b** & <i>c</i>", "<p><strong>b</strong> &amp; <i>c</i></p>"),
        ("5 < 6 and c_d_e", "<p>5 &lt; 6 and c_d_e</p>"),
        ("", ""),
    ],
)
def test_what_is_written_becomes_html(written: str, html: str) -> None:
    assert as_html(written) == html


def test_what_was_not_edited_is_known() -> None:
    form = as_written(STORED).replace("\n", "\r\n")
    assert is_unchanged(form, STORED)
    assert not is_unchanged(form + "!", STORED)
    assert is_unchanged("", "")


@given(st.lists(st.text("ab* _#-<>&[]()!`1.\\я", min_size=1, max_size=30), max_size=4))
def test_words_survive_a_round_trip(paragraphs: list[str]) -> None:
    stored = as_html("\n\n".join(paragraphs))
    once = as_html(as_written(stored))
    # HTML leaves the amount of space open
    assert "".join(as_html(as_written(once)).split()) == "".join(once.split())


@given(
    st.text("ab1 *_#-+=~<>&[]()!`.:;\\я", max_size=30)
    .map(lambda text: " ".join(text.split()))
    .filter(bool)
)
@example("> 5 years")
@example("1. FC Köln")
@example("- 5 °C")
@example("_ _ _")
@example("[a]: b")
def test_text_that_looks_like_markup_stays_text(text: str) -> None:
    html = escape(text, quote=False)
    for written in (
        f"<p>{html}</p>",
        f"<ul>\n<li>{html}</li>\n<li>a <em>b</em> {html}</li>\n</ul>",
    ):
        assert as_html(as_written(written)) == written


def test_text_stays_as_plain_as_it_can() -> None:
    plain = "2 * 3, C++, a_b, [1], 5 < 6, R&D, a - b, !"
    assert as_written(f"<p>{escape(plain)} ok</p>") == f"{plain} ok"


def test_a_line_of_the_source_is_no_line_of_the_text() -> None:
    assert as_written("<p>One\ntwo</p>") == "One two"
