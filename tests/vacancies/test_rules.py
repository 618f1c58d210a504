"""Rules without I/O, for any order of messages and any markup."""

import re
import time
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hirewire.vacancies.activity.rules import Known, ResumeMessage, after, shown
from hirewire.vacancies.posting.rules import is_over, sanitised

SEEN = {"visibility": "recommended", "status": "published"}
UNSEEN = {"visibility": "no_one", "status": "published"}


@st.composite
def lives(draw: st.DrawFn) -> list[ResumeMessage]:
    """A resume's messages in their order: each has the next version, the last may delete it."""
    snapshots = draw(st.lists(st.sampled_from([SEEN, UNSEEN]), min_size=1, max_size=6))
    life = [
        ResumeMessage("updated", version, {**snapshot, "title": str(version)}, late=False)
        for version, snapshot in enumerate(snapshots, start=1)
    ]
    if draw(st.booleans()):
        life.append(ResumeMessage("deleted", len(life) + 1, None, late=False))
    return life


def known_after(messages: list[ResumeMessage]) -> Known:
    known = Known()
    for received in messages:
        known = after(known, received)
    return known


@given(lives(), st.data())
def test_the_newest_version_wins_in_any_order(
    life: list[ResumeMessage], data: st.DataObject
) -> None:
    """In any order, with repeats, and with other services' messages in between."""
    outsider = ResumeMessage("updated", None, None, late=False)
    messages = data.draw(st.permutations([*life, *life[:2], outsider, outsider]))
    known, newest = known_after(messages), life[-1]
    assert known.version == newest.version
    if newest.action == "deleted":
        assert known.snapshot is None
        assert known.state in ("deleted", "unseen")
    else:
        assert known.snapshot == newest.snapshot
        assert known.state == ("visible" if "recommended" in str(newest.snapshot) else "unseen")


@given(lives())
def test_deleting_reveals_nothing_hidden(life: list[ResumeMessage]) -> None:
    before = known_after(life)
    known = after(before, ResumeMessage("deleted", 99, None, late=False))
    assert (known.state == "unseen") == (before.state == "unseen")


def test_a_late_message_is_ignored_even_without_a_version() -> None:
    known = known_after([ResumeMessage("updated", None, SEEN, late=False)])
    assert after(known, ResumeMessage("updated", None, UNSEEN, late=True)) is known


@pytest.mark.parametrize(
    ("snapshot", "known", "expected"),
    [
        (SEEN, Known(2, "visible"), True),
        (SEEN, Known(2, "unseen"), True),
        (UNSEEN, Known(2, "visible"), False),
        (None, Known(2, "visible"), True),
        (None, Known(2, "unseen"), False),
        (None, Known(2, "deleted"), True),
    ],
)
def test_changes_made_while_hidden_stay_hidden(
    snapshot: dict[str, str] | None, known: Known, expected: bool
) -> None:
    assert shown(ResumeMessage("updated", 1, snapshot, late=False), known) is expected


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<p>Hello <b>you</b></p>", "<p>Hello <b>you</b></p>"),
        ("<script>alert(1)</script>ok", "ok"),
        ("<scr<script>ipt>alert(1)</script>ok", "ipt&gt;alert(1)ok"),
        ("<p onclick=x style='y' class=z id=i>a</p>", "<p>a</p>"),
        ("<style>p{}</style>ok", "ok"),
        ('<a href="javascript:x">a</a>', '<a rel="noopener noreferrer nofollow">a</a>'),
        ('<a href="JaVa&#x73;cript:x">a</a>', '<a rel="noopener noreferrer nofollow">a</a>'),
        ('<a href="data:text/html,x">a</a>', '<a rel="noopener noreferrer nofollow">a</a>'),
        ('<a href="//evil.example">a</a>', '<a rel="noopener noreferrer nofollow">a</a>'),
        ('<a href="/api/x">a</a>', '<a rel="noopener noreferrer nofollow">a</a>'),
        (
            '<a href="https://e.org" target=_top>a</a>',
            '<a href="https://e.org" rel="noopener noreferrer nofollow">a</a>',
        ),
        ("<img src=x onerror=alert(1)>b", "b"),
        ("<svg><script>x</script></svg>c", "c"),
        ("<iframe src=x></iframe>d", "d"),
        ("<form action=x><input name=y>e</form>", "e"),
        ("<h1>big</h1>", "big"),
        ("f<!-- g -->", "f"),
        ("1 < 2 & 3", "1 &lt; 2 &amp; 3"),
    ],
)
def test_descriptions_are_harmless(html: str, expected: str) -> None:
    assert sanitised(html) == expected


PIECES = [
    "<p>", "</p>", "<b>", "</b>", "<a href='x:y'>", "</a>", "<script>", "</script>", "<ul>", "<li>",
    "<math>", "<style>", "</style>", "<svg>", "<title>", "<!--", "-->", "<table>", "<td>", " on=1",
    "onload=alert(1)", "<img src=x onerror=y>", "javascript:", "&lt;", "&", "<", ">", '"', "'", "x",
]  # fmt: skip


@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=4)), max_size=30))
def test_sanitized_markup_is_harmless_and_stable(pieces: list[str]) -> None:
    """A browser sees only allowed tags, and no attribute except that of a link."""
    try:
        clean = sanitised("ok " + "".join(pieces))
    except ValueError:
        pytest.fail("there is text in it, and few tags")
    for tag, attributes in re.findall(r"<(/?[^\s>]*)([^>]*)>", clean):
        assert re.fullmatch(r"/?(p|br|b|strong|i|em|u|ul|ol|li|h3|h4|a|blockquote)", tag)
        assert attributes in ("", ' rel="noopener noreferrer nofollow"')
    assert sanitised(clean) == clean


@pytest.mark.parametrize("html", ["<script>x</script>", "<p> <br></p>", "&nbsp;", "<!-- x -->"])
def test_a_description_without_text_is_refused(html: str) -> None:
    with pytest.raises(ValueError, match="must contain text"):
        sanitised(html)


def test_markup_that_multiplies_is_refused_quickly() -> None:
    """Each paragraph repeats all open formatting: 2 x n tags would become n x n elements."""
    started = time.process_time()
    for each in (400, 2000):
        opened = "".join(f"<b class={n}>" for n in range(each))
        with pytest.raises(ValueError, match="tags"):
            sanitised(f"<p>{opened}" + "<p>x" * each)
    assert time.process_time() - started < 5
    assert sanitised("<p>" + "x &amp; y <br>" * 900)


@pytest.mark.parametrize(
    ("last", "expected"),
    [(None, False), (date(2030, 5, 1), True), (date(2030, 5, 2), False), (date(2030, 5, 3), False)],
)
def test_the_last_day_counts(last: date | None, expected: bool) -> None:
    assert is_over(last, date(2030, 5, 2)) is expected
