"""Reads a CV: turns lines of text into a JSON Resume, with the source of each value."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import TypedDict

from pydantic import JsonValue

from hirewire.profiles.cv.entries import Entry, entries_of, labelled
from hirewire.profiles.cv.extract import Line
from hirewire.profiles.cv.lines import Sections, Text, sections_of
from hirewire.profiles.cv.words import SCHOOL
from hirewire.written.dates import DURATION, PERIOD
from hirewire.written.languages import spoken_in
from hirewire.written.lists import BETWEEN_ITEMS
from hirewire.written.titles import COMPANY, TITLE, likes

Known = Callable[[str], bool]
EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}")
PHONE = re.compile(r"(?<![\w.])(?:\+\s?)?\(?[0-9][0-9 ()\-–.]{6,20}[0-9](?!\w)")
LINK = re.compile(
    r"(?:https?://)?(?:[a-z0-9-]{1,63}\.){1,4}[a-z]{2,10}(?:/[\w./~%#?=&+-]*)?", re.IGNORECASE
)
WORDS = re.compile(r"[^\W\d_]+(?:['’.\-][^\W\d_]+)*\.?")
NOT_A_NAME = re.compile(r"curriculum|vitae|resume|résumé|\bcv\b|резюме|анкета", re.IGNORECASE)
BETWEEN = re.compile(r"\s+[—–|@-]\s+|\s+at\s+|\s+в\s+(?=компани|ООО|АО)|\t")
LONGEST_SKILL, MOST_SKILLS, LONGEST_SNIPPET, MOST_AT_TOP = 60, 100, 160, 80


class Source(TypedDict):
    """The place that a value was read from."""

    page: int
    text: str


class Draft(TypedDict):
    """A JSON Resume that was read from a CV, and sources by JSON pointer into it."""

    layout: str
    document: dict[str, JsonValue]
    sources: dict[str, Source]


def read(lines: list[Line], *, is_city: Known, is_skill: Known) -> Draft:
    """Read a CV from its lines."""
    return _Reader(lines, is_city, is_skill).draft()


def layout_of(lines: list[Line]) -> str:
    """The program that made the CV: `linkedin`, `hh` or, for any other, `generic`."""
    texts = {line["text"].casefold() for line in lines}
    if any(t.startswith(("резюме обновлено", "resume updated")) for t in texts) or (
        texts & {"желаемая должность и зарплата", "desired position and salary"}
    ):
        return "hh"
    if texts & {"top skills", "основные навыки"} and texts & {
        "contact",
        "контакты",
        "контактная информация",
    }:
        return "linkedin"
    return "generic"


class _Reader:
    def __init__(self, lines: list[Line], is_city: Known, is_skill: Known) -> None:
        self.layout = layout_of(lines)
        self.sections: Sections = sections_of(lines)
        self.is_city, self.is_skill = is_city, is_skill
        self.sources: dict[str, Source] = {}

    def draft(self) -> Draft:
        """Everything that can be read."""
        basics = self._basics()
        document: dict[str, JsonValue] = {
            "basics": basics,
            "work": self._work(),
            "education": self._education(),
            "skills": self._skills(),
            "languages": self._languages(),
            "certificates": self._certificates(),
        }
        kept: dict[str, JsonValue] = {name: value for name, value in document.items() if value}
        return {"layout": self.layout, "document": kept, "sources": self.sources}

    def _note(self, pointer: str, text: Text, whole: str | None = None) -> None:
        said = (whole or text.text).replace("\t", " ")[:LONGEST_SNIPPET]
        self.sources[pointer] = {"page": text.page, "text": said}

    def _basics(self) -> dict[str, JsonValue]:
        top = [*self.sections.get("top", ()), *self.sections.get("contact", ())][:MOST_AT_TOP]
        found: dict[str, JsonValue] = {}

        def take(name: str, value: str, text: Text) -> None:
            if name not in found and value:
                found[name] = value
                self._note(f"/basics/{name}", text)

        for text in top:
            label, value = labelled(text.text)
            if label in ("name", "label"):
                take(label, value, text)
            elif label == "city":
                self._take_city(found, value.split(",")[0].strip(), text)
        everything = top + [one for key in self.sections for one in self.sections[key]]
        for text in everything:
            if match := EMAIL.search(text.text):
                take("email", match[0], text)
        for text in top:
            bare = EMAIL.sub(" ", text.text)
            if not PERIOD.search(bare) and (match := PHONE.search(bare)):
                digits = re.sub(r"\D", "", match[0])
                if 7 <= len(digits) <= 15:
                    take("phone", match[0].strip(), text)
        name = self._name(top)
        if name is not None:
            take("name", _cased(name.text), name)
        self._city(found, top)
        self._label(found, top, take)
        self._links(found, top)
        summary = self.sections.get("summary", [])
        if summary:
            found["summary"] = _flowing([one for one in summary if not _is_footer(one.text)])
            self._note("/basics/summary", summary[0])
        return found

    def _name(self, top: list[Text]) -> Text | None:
        able = [
            one
            for one in top
            if _is_name(one.text) and not NOT_A_NAME.search(one.text) and not self.is_city(one.text)
        ]
        return max(able, key=lambda one: one.size) if able else None

    def _take_city(self, found: dict[str, JsonValue], city: str, text: Text) -> None:
        if city and "location" not in found:
            found["location"] = {"city": city}
            self._note("/basics/location/city", text)

    def _city(self, found: dict[str, JsonValue], top: list[Text]) -> None:
        for text in top:
            for part in BETWEEN_ITEMS.split(text.text):
                bare = re.sub(r"^(?:г\.|город)\s*", "", part.strip())
                if re.match(r"[^\W\d_]", bare) and len(bare) < 40 and self.is_city(bare):
                    self._take_city(found, bare, text)

    def _label(
        self, found: dict[str, JsonValue], top: list[Text], take: Callable[[str, str, Text], None]
    ) -> None:
        for text in self.sections.get("desired", [])[:1]:
            take("label", text.text.split("\t")[0], text)
        own = (self.sources.get("/basics/name") or {"text": ""})["text"]
        after = next((n + 1 for n, one in enumerate(top) if one.text[:LONGEST_SNIPPET] == own), 0)
        for text in [*top[after:], *top[:after]]:
            said = text.text
            if said == own or any(c.isdigit() or c in "@/\t|" for c in said) or ":" in said:
                continue
            if said.endswith(".") or len(said.split()) > 9 or NOT_A_NAME.search(said):
                continue
            if not any(self.is_city(part) for part in BETWEEN_ITEMS.split(said)):
                take("label", said, text)
                return

    def _links(self, found: dict[str, JsonValue], top: list[Text]) -> None:
        links: list[JsonValue] = []
        joined: list[Text] = []
        for text in top:
            if joined and re.search(r"\w/$|\w/\S*-$", joined[-1].text) and " " not in text.text:
                joined[-1] = replace(joined[-1], text=joined[-1].text + text.text)
            else:
                joined.append(text)
        for text in joined:
            for match in LINK.finditer(EMAIL.sub(" ", text.text)):
                url = match[0].rstrip(".")
                if "/" not in url and url != text.text and not re.search(r"[|,\t:]", text.text):
                    continue
                self._note(f"/basics/profiles/{len(links)}/url", text)
                links.append({"url": url if "://" in url else f"https://{url}"})
        if links:
            found["profiles"] = links

    def _work(self) -> list[JsonValue]:
        entries = entries_of(self.sections.get("experience", []))
        pairs = [self._heads(entry) for entry in entries]
        first = sum(likes(a.text) - likes(b.text) for a, b, _ in pairs if a and b)
        is_title_first = first > 0 or (first == 0 and self.layout == "generic")
        made: list[JsonValue] = []
        for nth, (entry, (one, other, place)) in enumerate(zip(entries, pairs, strict=True)):
            title, company = (one, other) if is_title_first else (other, one)
            if one and not other and (company is None or not company):
                title, company = (one, None) if likes(one.text) >= 0 else (None, one)
            title = entry.labels.get("position") or title
            company = entry.labels.get("company") or company
            at = f"/work/{nth}"
            job: dict[str, JsonValue] = {}
            for key, text in (("position", title), ("name", company), ("location", place)):
                if text is not None:
                    job[key] = text.text
                    self._note(f"{at}/{key}", text)
            for key, date in (("startDate", entry.start), ("endDate", entry.end)):
                if date:
                    job[key] = date
                    self._note(f"{at}/{key}", entry.dates)
            rest = [t for t in entry.rest if t.text and not DURATION.fullmatch(t.text)]
            if summary := _flowing([t for t in rest if not t.item]):
                job["summary"] = summary
                self._note(f"{at}/summary", next(t for t in rest if not t.item))
            if items := [t for t in rest if t.item]:
                job["highlights"] = [t.text for t in items]
                self._note(f"{at}/highlights", items[0])
            made.append(job)
        return made

    def _heads(self, entry: Entry) -> tuple[Text | None, Text | None, Text | None]:
        """The two texts in the heading of a position, and its place."""
        place: Text | None = None
        parts: list[list[Text]] = []
        for text in entry.heads:
            if self.is_city(text.text):
                place = place or text
                continue
            bare, at = self._without_place(text)
            place = place or at
            parts.append(self._halves(bare))
        if not parts:
            return None, None, place
        first = parts[0]
        if len(first) > 1:
            entry.rest[:0] = [one for part in parts[1:] for one in part]
            return first[0], first[1], place
        second = parts[1][0] if len(parts) > 1 else None
        if second is None and entry.rest and self._is_head(entry.rest[0]):
            second, at = self._without_place(entry.rest.pop(0))
            place = place or at
        if second is not None and entry.rest and self.is_city(entry.rest[0].text):
            place = place or entry.rest.pop(0)
        return first[0], second, place

    def _is_head(self, text: Text) -> bool:
        return not text.item and len(text.text.split()) < 9 and not text.text.endswith((".", ";"))

    def _without_place(self, text: Text) -> tuple[Text, Text | None]:
        before, comma, after = text.text.rpartition(",")
        if comma and self.is_city(after.strip()):
            return replace(text, text=before.strip()), replace(text, text=after.strip())
        return text, None

    def _halves(self, text: Text) -> list[Text]:
        """The title and the company in one line."""
        parts = [one.strip(" ,") for one in BETWEEN.split(text.text, 1)]
        if len(parts) < 2 and ", " in text.text:
            parts = [one.strip() for one in text.text.split(", ", 1)]
            if likes(parts[0]) == likes(parts[1]):
                parts = [text.text]
        return [replace(text, text=one) for one in parts if one]

    def _education(self) -> list[JsonValue]:
        made: list[JsonValue] = []
        for entry in entries_of(self.sections.get("education", []), years=True):
            heads = [*entry.heads, *entry.rest]
            parts = [
                replace(text, text=one.strip(" ,·()"))
                for text in heads
                for one in re.split(r",\s+|\t|\s+[—–|·]\s+", text.text)
                if one.strip(" ,·()")
            ]
            if not parts:
                continue
            school = next((one for one in parts if SCHOOL.search(one.text)), parts[0])
            others = [
                one for one in parts if one is not school and not DURATION.fullmatch(one.text)
            ]
            at = f"/education/{len(made)}"
            study: dict[str, JsonValue] = {"institution": school.text}
            self._note(f"{at}/institution", school)
            if others:
                study["area"] = others[0].text
                self._note(f"{at}/area", others[0])
            for key, date in (("startDate", entry.start), ("endDate", entry.end)):
                if date:
                    study[key] = date
                    self._note(f"{at}/{key}", entry.dates)
            made.append(study)
        return made

    def _skills(self) -> list[JsonValue]:
        made: dict[str, JsonValue] = {}
        for text in self.sections.get("skills", []):
            said = text.text
            _, colon, rest = said.partition(": ")
            if colon and "," in rest and not self.is_skill(said):
                said = rest
            for part in BETWEEN_ITEMS.split(said):
                name = part.strip(" .,;")
                if name and len(name) <= LONGEST_SKILL and name.casefold() not in made:
                    self._note(f"/skills/{len(made)}/name", text)
                    made[name.casefold()] = {"name": name}
        if not made:
            self._skills_in_texts(made)
        return list(made.values())[:MOST_SKILLS]

    def _skills_in_texts(self, made: dict[str, JsonValue]) -> None:
        """Skills in a CV without a list of them: words of the experience that the dictionary knows.

        Only words with a capital inside a sentence, or in Latin letters within Russian text: these
        name tools.
        """
        for text in [*self.sections.get("experience", ()), *self.sections.get("summary", ())]:
            if not text.item and not text.text.endswith("."):
                continue
            for match in re.finditer(r"(?<=[\s(,])[A-Z][\w+#.]*[\w+#]", text.text):
                name = match[0]
                if name.casefold() not in made and self.is_skill(name):
                    self._note(f"/skills/{len(made)}/name", text)
                    made[name.casefold()] = {"name": name}

    def _languages(self) -> list[JsonValue]:
        made: list[JsonValue] = []
        for text in self.sections.get("languages", []):
            names = list(spoken_in(text.text))
            for nth, spoken in enumerate(names):
                end = names[nth + 1].start if nth + 1 < len(names) else len(text.text)
                level = text.text[spoken.end : end].strip(" \t—–-:()[],;.|•·")
                one: dict[str, JsonValue] = {"language": spoken.name}
                self._note(f"/languages/{len(made)}/language", text)
                if level:
                    one["fluency"] = level
                    self._note(f"/languages/{len(made)}/fluency", text)
                made.append(one)
        return made

    def _certificates(self) -> list[JsonValue]:
        made: list[JsonValue] = []
        for text in self.sections.get("certificates", []):
            self._note(f"/certificates/{len(made)}/name", text)
            made.append({"name": text.text.replace("\t", " ")})
        return made


def _is_name(text: str) -> bool:
    words = text.split()
    return (
        2 <= len(words) <= 4
        and all(WORDS.fullmatch(word) and word[0].isupper() for word in words)
        and not TITLE.search(text)
        and not COMPANY.search(text)
    )


def _cased(name: str) -> str:
    return name.title().replace("’S", "’s") if name.isupper() else name


def _is_footer(text: str) -> bool:
    return text.casefold().startswith(("резюме обновлено", "resume updated", "page "))


def _flowing(texts: list[Text]) -> str:
    return "\n".join(one.text.replace("\t", " ") for one in texts).strip()
