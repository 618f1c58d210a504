"""The dictionary of skills: ESCO's labels and their other spellings."""

from hirewire.esco.dictionary import (
    BadAdditions,
    Dictionary,
    dictionary,
    edition,
    extend,
    key_of,
)
from hirewire.esco.tables import Occupation, Skill, occupations, skills

__all__ = [
    "BadAdditions",
    "Dictionary",
    "Occupation",
    "Skill",
    "dictionary",
    "edition",
    "extend",
    "key_of",
    "occupations",
    "skills",
]
