"""From what people write to a skill's id."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import cache

from hirewire.esco.tables import Skill, occupations, skills, technologies

OWN = "own:"
"""How the id of a skill begins that is not in the dictionary."""
_DROPPED = re.compile(r"[^\w+#]|_")
_NOTE = re.compile(r"\s*\(computer programming\)\s*$")


def key_of(phrase: str) -> str:
    """The phrase without what people write differently: case, spaces, punctuation, accents, ё.

    ``Node.js``, ``node js`` and ``NodeJS`` have one key; ``C``, ``C++`` and ``C#`` have three.
    A phrase of punctuation alone has itself as its key.
    """
    plain = unicodedata.normalize("NFKC", phrase).casefold().replace("ё", "е")
    return _DROPPED.sub("", plain) or plain.strip()


class Dictionary:
    """Skills by the many ways in which they are written.

    Where two skills have the same form, a label goes before an alias of ours and that before
    ESCO's alternative labels; then the skill that more ICT occupations have, then the lower id.
    """

    def __init__(self, skills: Iterable[Skill]) -> None:
        self.skills = {skill.id: skill for skill in skills}
        self._ids: dict[str, str] = {}
        used = Counter(id for occupation in occupations() for id in set(occupation.skills))
        ranked = sorted(self.skills.values(), key=lambda skill: (-used[skill.id], skill.id))
        for forms_of in (_labels, lambda skill: skill.aliases, lambda skill: skill.other_labels):
            for skill in ranked:
                for form in forms_of(skill):
                    self._ids.setdefault(key_of(form), skill.id)

    def find(self, phrase: str) -> str | None:
        """The id of the skill that is written so; None when there is none."""
        return self._ids.get(key_of(phrase))

    def id_of(self, phrase: str) -> str:
        """The id of the skill that is written so: ESCO's, or ``own:`` and the phrase's key."""
        key = key_of(phrase)
        return self._ids.get(key) or OWN + key

    def label_of(self, id: str, *, russian: bool = False) -> str | None:
        """Its label; None for a skill that is not in the dictionary."""
        skill = self.skills.get(id)
        if skill is None:
            return None
        return (skill.label_ru if russian else None) or skill.label


def _labels(skill: Skill) -> tuple[str, ...]:
    bare = _NOTE.sub("", skill.label)
    return (skill.label,) if bare == skill.label else (skill.label, bare)


@cache
def dictionary() -> Dictionary:
    """The built-in dictionary; reading it takes a part of a second, once a process."""
    return Dictionary((*skills(), *_ours()))


def _ours() -> Iterable[Skill]:
    """Technologies that ESCO does not have, under the ids they had without being known."""
    for label, russian, forms in technologies():
        yield Skill(OWN + key_of(label), label, (), (), russian, forms)
