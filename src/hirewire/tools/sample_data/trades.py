"""How people write the dictionary's skills, and the tools and duties of each trade."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from random import Random

from hirewire.esco import Occupation, Skill, dictionary

_NOTE = re.compile(r"\s*\([^)]*\)$")
LONGEST = 70
_CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Trade:
    """The tools and duties of one trade."""

    kind: str
    tools: dict[str, tuple[str, ...]]
    """Stacks: tools that are used together."""
    english: tuple[str, ...]
    russian: tuple[str, ...]

    def duties(self, stack: tuple[str, ...], *, russian: bool) -> list[str]:
        """Duties; the first tool of the stack is named in them."""
        return [
            duty.replace("{t}", stack[0]) for duty in (self.russian if russian else self.english)
        ]


@cache
def trades() -> dict[str, Trade]:
    """All trades by name."""
    text = (files("hirewire.tools.sample_data") / "trades.toml").read_text(encoding="utf-8")
    return {
        name: Trade(
            row["kind"],
            {key: tuple(tools) for key, tools in row["tools"].items()},
            tuple(row["en"]),
            tuple(row["ru"]),
        )
        for name, row in tomllib.loads(text).items()
    }


@cache
def skills_of(occupation: Occupation) -> tuple[Skill, ...]:
    """Those of the trade's skills that the dictionary has."""
    known = dictionary().skills
    return tuple(known[id] for id in dict.fromkeys(occupation.skills) if id in known)


@cache
def forms(id: str, russian: bool) -> tuple[str, ...]:
    """Spellings of the skill, the label first; the dictionary finds each of them.

    In Russian, only Russian ones if there are any.
    """
    skill = dictionary().skills[id]
    short = _NOTE.sub("", skill.label)
    written = [
        form
        for form in dict.fromkeys((short, *skill.aliases, *skill.other_labels))
        if len(form) <= LONGEST and dictionary().id_of(form) == id
    ]
    ours = [form for form in written if bool(_CYRILLIC.search(form)) == russian]
    return tuple(ours or written or [skill.label])


def written(skill: Skill, rng: Random, *, russian: bool) -> str:
    """The skill as a person writes it: usually the main form, sometimes another one."""
    usual, *others = forms(skill.id, russian)
    return rng.choice(others[:4]) if others and rng.random() < 0.35 else usual


def russian_label(skill: Skill) -> str | None:
    """Its Russian name, if there is one."""
    found = forms(skill.id, True)[0]
    return found if _CYRILLIC.search(found) else None


def is_knowledge(skill: Skill) -> bool:
    """Whether its label names knowledge, not an activity."""
    return skill.label[0].isupper() or any(group.startswith("K") for group in skill.groups)
