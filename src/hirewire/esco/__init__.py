"""The built-in dictionary of skills: ESCO's labels, and other ways in which people write them."""

from hirewire.esco.dictionary import Dictionary, dictionary, key_of
from hirewire.esco.tables import Occupation, Skill, occupations, skills

__all__ = ["Dictionary", "Occupation", "Skill", "dictionary", "key_of", "occupations", "skills"]
