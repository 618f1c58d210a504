"""Reads an advert: its text becomes the fields of a vacancy, each with the line it came from."""

from dataclasses import replace

from hirewire.vacancies.adverts.description import html_of
from hirewire.vacancies.adverts.draft import Dictionaries, Draft
from hirewire.vacancies.adverts.experience import experience_in
from hirewire.vacancies.adverts.lines import EDGES, Line, lines_of
from hirewire.vacancies.adverts.pay import pay_of
from hirewire.vacancies.adverts.places import Cities
from hirewire.vacancies.adverts.prose import asks, required_in, sentences_of
from hirewire.vacancies.adverts.requirements import Requirements
from hirewire.vacancies.adverts.titles import Titles, after_sought
from hirewire.vacancies.adverts.words import (
    AS_A_PLUS,
    EMPLOYMENT,
    HYBRID,
    NOT_REMOTE,
    ON_SITE,
    REMOTE,
)

MOST_SKILLS, MOST_LANGUAGES = 50, 20


def read(text: str, known: Dictionaries) -> Draft:
    """Read an advert. Any text can be read; what it does not say is left empty."""
    return _Reader(lines_of(text), known).draft()


class _Reader:
    def __init__(self, lines: list[Line], known: Dictionaries) -> None:
        self.all = lines
        self.lines = [line for line in lines if not line.is_heading]
        self.sentences = sentences_of(self.lines)
        self.known = known
        self.found = Draft()
        self.facts = [line for line in self.sentences if line.part not in ("tasks", "about")]

    def draft(self) -> Draft:
        """All that can be read."""
        found = self.found
        pay = pay_of(self.sentences)
        if pay is not None:
            found.salary, found.lines["salary"] = pay
        cities = Cities(self.known.is_city)
        title = Titles(self.known.is_title, cities).read(
            self.all, self.sentences, found.lines.get("salary")
        )
        if title is not None:
            found.take("title", title[1], title[0])
        places = [line for line in self.lines if line.part not in ("tasks", "about")]
        area = next(cities.of(self.lines, places), None)
        if area is not None:
            found.take("area", area[1], area[0])
        self._work_format()
        self._employment()
        self._experience()
        self._requirements()
        found.description = self._description()
        return found

    def _requirements(self) -> None:
        required = Requirements(self.found, self.known.is_skill)
        for line in self.lines:
            is_plus = line.part == "other" and AS_A_PLUS.search(line.plain.rstrip("."))
            if line.part in ("must", "nice", "experience") or is_plus:
                required.take(line)
            elif line.label[0] not in ("title", "company"):
                required.languages(line)
        if not self.found.requirements:
            self._in_prose(required)
        del self.found.requirements[MOST_SKILLS:], self.found.languages[MOST_LANGUAGES:]

    def _in_prose(self, required: Requirements) -> None:
        """An advert without headings and lists says in sentences what it requires."""
        for sentence in self.sentences:
            if sentence.part in ("top", "other", "about", "end"):
                if sentence is self.found.lines.get("title"):
                    sentence = replace(sentence, text=after_sought(sentence.text))
                for part in required_in(sentence, self.known.is_skill):
                    required.take_named(part)

    def _work_format(self) -> None:
        labelled = [
            line for line in self.facts if line.label[0] in ("format", "city", "employment")
        ]
        others = [line for line in self.facts if line.part not in ("must", "nice")]
        for lines in (labelled, others):
            for name, pattern in (("hybrid", HYBRID), ("remote", REMOTE), ("on_site", ON_SITE)):
                for line in lines:
                    if NOT_REMOTE.search(line.plain):
                        self.found.take("work_format", "on_site", line)
                        return
                    if pattern.search(line.plain):
                        self.found.take("work_format", name, line)
                        return

    def _employment(self) -> None:
        labelled = [line for line in self.facts if line.label[0] == "employment"]
        others = [line for line in self.facts if line.part not in ("must", "nice")]
        for lines in (labelled, others):
            for name, pattern in EMPLOYMENT.items():
                for line in lines:
                    is_title = line is self.found.lines.get("title")
                    if name == "INTERN" and lines is others and not is_title:
                        continue  # "стажировка 3 дня" is no internship
                    if pattern.search(line.plain):
                        self.found.take("employment_type", name, line)
                        return

    def _experience(self) -> None:
        labelled = [line for line in self.lines if line.label[0] == "experience"]
        must = [line for line in self.facts if line.part != "nice"]
        asking = [replace(line, part="must") for line in must if line.part != "must" and asks(line)]
        nice = [line for line in self.facts if line.part == "nice"]
        for lines in (labelled, must, asking, nice):
            for line in lines:
                level = experience_in(line, is_labelled=lines is labelled)
                if level is not None:
                    self.found.take("experience", level, line)
                    return

    def _description(self) -> str | None:
        """The advert as HTML, without the lines that are fields and nothing else."""
        taken = {
            line.number
            for name, line in self.found.lines.items()
            if line.label[0] or (name == "title" and line.text.strip(EDGES) == self.found.title)
        }
        made = "".join(html_of([line for line in self.all if line.number not in taken]))
        return made or None
