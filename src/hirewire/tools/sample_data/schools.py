"""Where people studied."""

from dataclasses import dataclass
from random import Random

from hirewire.tools.sample_data.people import Person

RU = (
    ("МГТУ им. Н. Э. Баумана", "Bauman Moscow State Technical University"),
    ("МГУ им. М. В. Ломоносова", "Lomonosov Moscow State University"),
    ("Университет ИТМО", "ITMO University"),
    ("СПбПУ Петра Великого", "Peter the Great St. Petersburg Polytechnic University"),
    ("Новосибирский государственный университет", "Novosibirsk State University"),
    ("Уральский федеральный университет", "Ural Federal University"),
    ("Казанский федеральный университет", "Kazan Federal University"),
    ("НИУ «Высшая школа экономики»", "HSE University"),
    ("Самарский университет", "Samara University"),
    ("Томский политехнический университет", "Tomsk Polytechnic University"),
    ("Южный федеральный университет", "Southern Federal University"),
    ("Воронежский государственный университет", "Voronezh State University"),
)
ABROAD = {
    "ge": ("Tbilisi State University", "Georgian Technical University"),
    "am": ("Yerevan State University", "National Polytechnic University of Armenia"),
    "rs": ("University of Belgrade", "University of Novi Sad", "University of Nis"),
    "de": ("Technical University of Berlin", "University of Hamburg", "University of Potsdam"),
    "nl": ("University of Amsterdam", "Delft University of Technology", "Utrecht University"),
    "gb": ("University of Manchester", "University of Leeds", "University of Bristol"),
    "cy": ("University of Cyprus", "Cyprus University of Technology"),
}
FIELDS = {
    "stage": (
        ("Звукорежиссура и техника вещания", "Sound and Broadcast Engineering"),
        ("Аудиовизуальная техника", "Audio-Visual Technology"),
    ),
    "design": (("Дизайн", "Design"), ("Психология", "Psychology")),
    "content": (("Журналистика", "Journalism"), ("Реклама и связи с общественностью", "Marketing")),
    "analyse": (
        ("Бизнес-информатика", "Business Informatics"),
        ("Прикладная информатика", "Applied Informatics"),
    ),
    "data": (
        ("Прикладная математика", "Applied Mathematics"),
        ("Математика и компьютерные науки", "Mathematics and Computer Science"),
    ),
    "protect": (
        ("Информационная безопасность", "Information Security"),
        ("Компьютерная безопасность", "Computer Security"),
    ),
    "operate": (
        ("Информатика и вычислительная техника", "Computer Engineering"),
        ("Инфокоммуникационные технологии", "Communication Technology"),
    ),
}
USUAL = (
    ("Программная инженерия", "Software Engineering"),
    ("Информатика и вычислительная техника", "Computer Science"),
    ("Информационные системы и технологии", "Information Systems"),
)


@dataclass(frozen=True, slots=True)
class Study:
    """A course of study."""

    organization: str
    level: str
    field: str
    start: int
    end: int

    def entry(self) -> dict[str, str]:
        """As in `education` of JSON Resume."""
        return {
            "institution": self.organization,
            "studyType": self.level,
            "area": self.field,
            "startDate": str(self.start),
            "endDate": str(self.end),
        }


def studied(rng: Random, kind: str, who: Person, *, work_began: int, today_year: int) -> Study:
    """What somebody studied before they began to work, or in the first years of it."""
    place = 0 if who.russian else 1
    if who.from_russia:
        organization = rng.choice(RU)[place]
    else:
        organization = rng.choice(ABROAD.get(who.place.country, ABROAD["gb"]))
    levels = (("Бакалавр", "Bachelor", 4), ("Магистр", "Master", 2), ("Специалист", "Diploma", 5))
    russian, english, years = rng.choice(levels if who.from_russia else levels[:2])
    field = rng.choice(FIELDS.get(kind, USUAL))[place]
    end = min(work_began + rng.choice((-1, 0, 0, 1)), today_year)
    return Study(organization, russian if who.russian else english, field, end - years, end)
