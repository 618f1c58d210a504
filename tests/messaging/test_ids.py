"""Ids as text and back, and the driver's quick type for them."""

from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hirewire.messaging.ids import id_of, new_id, text_of

ID = "01a22d24-b4c7-71ed-a360-616cbd69ca87"
NEARLY = st.text("0123456789abcdefABCDEF-{}: \n٠é", min_size=30, max_size=40)


@given(text=NEARLY | st.uuids().map(str) | st.uuids().map(lambda id: id.hex) | st.text())
@example(text=ID)
@example(text=ID.upper())
@example(text=f"{{{ID}}}")
@example(text=f"urn:uuid:{ID}")
@example(text=f"{ID} ")
@example(text="--" + ID.replace("-", "") + "--")
@example(text="٠" * 32)
@example(text="")
def test_a_text_is_the_id_that_python_reads(text: str) -> None:
    try:
        expected = UUID(text)
    except ValueError:
        with pytest.raises(ValueError, match=r"hexadecimal|base 16"):
            id_of(text)
    else:
        assert id_of(text) == expected
        assert hash(id_of(text)) == hash(expected)
        assert str(id_of(text)) == str(expected)


@given(id=st.uuids())
def test_an_id_has_one_text(id: UUID) -> None:
    assert text_of(id) == text_of(id_of(str(id))) == str(id)


def test_new_ids_are_version_7_and_increase() -> None:
    made = [new_id() for _ in range(1000)]
    assert made == sorted(set(made))
    assert {id.version for id in made} == {7}
    assert all(isinstance(id, UUID) for id in made)
