"""Schools and universities, and courses of study."""

from dataclasses import dataclass
from random import Random

from hirewire.tools.sample_data.city import CityTrade
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


# Outside IT: universities by kind, and names of colleges, followed by their city.
HIGHER = {
    "v": (
        ("Сеченовский университет", "Sechenov University"),
        ("Казанский государственный медицинский университет", "Kazan State Medical University"),
        ("Башкирский государственный медицинский университет", "Bashkir State Medical University"),
        ("Уральский государственный медицинский университет", "Ural State Medical University"),
        ("Кубанский государственный медицинский университет", "Kuban State Medical University"),
    ),
    "p": (
        ("МПГУ", "Moscow Pedagogical State University"),
        ("РГПУ им. А. И. Герцена", "Herzen University"),
        ("Казанский федеральный университет", "Kazan Federal University"),
        ("Пермский гуманитарно-педагогический университет", "Perm Pedagogical University"),
    ),
    "a": (
        ("РГАУ — МСХА им. К. А. Тимирязева", "Timiryazev Agricultural Academy"),
        ("Кубанский аграрный университет", "Kuban Agrarian University"),
        ("Башкирский аграрный университет", "Bashkir Agrarian University"),
    ),
    "u": (
        ("РЭУ им. Г. В. Плеханова", "Plekhanov University of Economics"),
        ("Санкт-Петербургский государственный университет", "Saint Petersburg University"),
        ("Казанский федеральный университет", "Kazan Federal University"),
        ("Уральский федеральный университет", "Ural Federal University"),
        (
            "Новосибирский государственный технический университет",
            "Novosibirsk Technical University",
        ),
        ("Пермский государственный университет", "Perm State University"),
        ("Кубанский государственный университет", "Kuban State University"),
        ("Самарский университет", "Samara University"),
    ),
}
COLLEGES = {
    "c": (
        ("Колледж сервиса и торговли", "College of Service and Trade"),
        ("Политехнический колледж", "Polytechnic College"),
        ("Индустриальный техникум", "Industrial College"),
        ("Профессиональный лицей № {n}", "Vocational School {n}"),
        ("Многопрофильный колледж", "Further Education College"),
    ),
    "m": (
        ("Медицинский колледж", "Medical College"),
        ("Медицинский колледж № {n}", "Medical College {n}"),
    ),
    "s": (("Средняя школа № {n}", "Secondary School {n}"), ("Лицей № {n}", "High School {n}")),
}
LEVELS = {
    "s": ("Среднее", "Secondary", 11),
    "c": ("Среднее специальное", "Vocational", 3),
    "m": ("Среднее специальное", "Vocational", 4),
    "v": ("Специалист", "Diploma", 6),
}
COURSES = (
    ("Центр профессиональной переподготовки", "Retraining Centre"),
    ("Учебный центр «Вторая профессия»", "Second Trade Training Centre"),
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
        """The course in the format of `education` in JSON Resume."""
        entry = {
            "institution": self.organization,
            "studyType": self.level,
            "area": self.field,
            "startDate": str(self.start),
            "endDate": str(self.end),
        }
        return {name: value for name, value in entry.items() if value}


def studied(rng: Random, kind: str, who: Person, *, work_began: int, today_year: int) -> Study:
    """What a person studied before their first job, or during its first years."""
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


def trained(
    rng: Random, work: CityTrade, who: Person, *, work_began: int, today_year: int
) -> Study:
    """Where a person learnt a trade outside IT: a university, a college or only a school."""
    kind, course = rng.choice(work.study)
    place = 0 if who.russian else 1
    if kind in COLLEGES or not who.from_russia:
        name = rng.choice(COLLEGES.get(kind, COLLEGES["c"]))[place].replace(
            "{n}", str(rng.randint(2, 60))
        )
        organization = f"{name}, {who.place.name(russian=who.russian)}"
        if kind not in COLLEGES:
            organization = rng.choice(ABROAD.get(who.place.country, ABROAD["gb"]))
    else:
        organization = rng.choice(HIGHER[kind])[place]
    usual = ("Бакалавр", "Bachelor", 4)
    russian, english, years = LEVELS.get(kind, usual)
    end = min(work_began + rng.choice((-1, 0, 0)), today_year)
    return Study(
        organization,
        russian if who.russian else english,
        course.text(russian=who.russian),
        end - years,
        end,
    )


def retrained(rng: Random, work: CityTrade, who: Person, *, year: int) -> Study:
    """The course of a person who changes to this trade."""
    place = 0 if who.russian else 1
    courses = [course for kind, course in work.study if kind != "s"]
    return Study(
        rng.choice(COURSES)[place],
        ("Курсы", "Course")[place],
        rng.choice(courses).text(russian=who.russian),
        year,
        year,
    )
