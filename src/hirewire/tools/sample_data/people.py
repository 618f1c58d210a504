"""Candidates and employers: names in their language, and an email for each."""

from dataclasses import dataclass
from random import Random

from hirewire.tools.sample_data.phrases import words
from hirewire.tools.sample_data.places import Place, some_place

DEFAULT_SEED = 1
MEN_RU = words(
    "Александр Алексей Андрей Антон Артём Борис Вадим Валерий Виктор Виталий Владимир Вячеслав "
    "Георгий Глеб Григорий Даниил Денис Дмитрий Евгений Егор Иван Игорь Илья Кирилл Константин "
    "Лев Леонид Максим Марат Михаил Никита Николай Олег Павел Пётр Роман Руслан Сергей "
    "Станислав Степан Тимур Фёдор Юрий Ярослав"
)
WOMEN_RU = words(
    "Александра Алёна Алина Алла Анастасия Анна Валентина Валерия Варвара Вера Вероника "
    "Виктория Галина Дарья Диана Ева Евгения Екатерина Елена Елизавета Жанна Инна Ирина Карина "
    "Кристина Ксения Лариса Лидия Лилия Любовь Людмила Маргарита Марина Мария Надежда Наталья "
    "Нина Оксана Ольга Полина Светлана София Татьяна Ульяна Юлия Яна"
)
SURNAMES_RU = words(
    "Абрамов Авдеев Агафонов Аксёнов Александров Алексеев Андреев Антонов Афанасьев Баранов "
    "Белов Белый Беляев Богданов Борисов Быков Васильев Вербицкий Виноградов Власов Волков "
    "Воробьёв Воронцов Гаврилов Герасимов Голубев Горбунов Грачёв Григорьев Гусев Давыдов "
    "Данилов Денисов Дмитриев Дорофеев Егоров Емельянов Ершов Ефимов Жуков Журавлёв Зайцев "
    "Захаров Зимин Иванов Ильин Исаев Казаков Калинин Карпов Киселёв Князев Ковалёв Козлов "
    "Комаров Коновалов Королёв Котов Краснов Крылов Кудрявцев Кузнецов Лаврентьев Лазарев "
    "Лебедев Левин Логинов Макаров Максимов Малиновский Мартынов Матвеев Медведев Мельников "
    "Миронов Морозов Назаров Никитин Николаев Новиков Овчинников Орлов Осипов Островский Павлов "
    "Панов Петров Поляков Пономарёв Попов Романов Рябов Савельев Садовский Семёнов Сергеев "
    "Сидоров Смирнов Соболев Соколов Соловьёв Сорокин Степанов Субботин Тарасов Тимофеев Титов "
    "Тихонов Третьяков Фёдоров Филиппов Фомин Фролов Хохлов Цветков Чернов Чернышёв Шестаков "
    "Широков Щербаков Юдин Яковлев"
)
# Male names, female names and surnames of a country, in English spelling.
ABROAD = {
    "ge": (
        "Giorgi Levan Nika Davit Irakli Luka Sandro Zurab Beka Vakhtang",
        "Nino Mariam Tamar Ana Ketevan Salome Natia Eka Tinatin Lika",
        "Beridze Kapanadze Gelashvili Maisuradze Giorgadze Lomidze Tsiklauri Kvaratskhelia "
        "Japaridze Mchedlishvili Chkheidze Lortkipanidze",
    ),
    "am": (
        "Armen Tigran Hayk Gor Narek Vahe Aram Karen Davit Suren",
        "Ani Anahit Lusine Mariam Narine Gayane Lilit Hasmik Nare Tatev",
        "Hakobyan Sargsyan Grigoryan Harutyunyan Petrosyan Karapetyan Avetisyan Ghazaryan "
        "Khachatryan Mkrtchyan Danielyan Hovhannisyan",
    ),
    "rs": (
        "Marko Nikola Stefan Luka Milan Aleksandar Vladimir Nemanja Dusan Filip",
        "Jelena Milica Ana Marija Ivana Tamara Jovana Katarina Teodora Dragana",
        "Jovanovic Petrovic Nikolic Markovic Djordjevic Stojanovic Ilic Stankovic Pavlovic "
        "Milosevic Kovacevic Lukic",
    ),
    "de": (
        "Lukas Felix Jonas Maximilian Paul Tobias Sebastian Florian Jan Matthias",
        "Anna Lena Sophie Laura Julia Katharina Lisa Hannah Johanna Franziska",
        "Schneider Fischer Weber Wagner Becker Hoffmann Schulz Koch Richter Klein Wolf Neumann "
        "Schwarz Zimmermann Braun Hartmann",
    ),
    "nl": (
        "Daan Sem Lars Bram Thijs Jeroen Ruben Pieter Niels Joost",
        "Emma Sanne Lotte Femke Anouk Fleur Iris Maaike Eline Roos",
        "Jansen Bakker Visser Smit Mulder Bos Dekker Dijkstra Vos Hendriks Kuipers Willems",
    ),
    "gb": (
        "James Oliver Harry Thomas George William Jack Daniel Samuel Benjamin Adam Matthew Ryan",
        "Emily Charlotte Olivia Sophie Grace Lucy Hannah Rebecca Alice Megan Eleanor Sarah Amy",
        "Smith Taylor Brown Wilson Davies Evans Thomas Johnson Roberts Walker Wright Robinson "
        "Thompson White Hughes Edwards Green Hall Wood Harris Clarke Bennett Cooper Ward Turner",
    ),
    "cy": (
        "Andreas Christos Giorgos Nikos Marios Panayiotis Costas Stelios",
        "Maria Eleni Christina Andri Sofia Katerina Despina Elena",
        "Georgiou Charalambous Ioannou Constantinou Christodoulou Nicolaou Demetriou Andreou",
    ),
}
RUSSIANS_AT = {"ru": 0.97, "ge": 0.45, "am": 0.4, "rs": 0.5, "de": 0.15, "cy": 0.5}
_LATIN = dict(
    zip(
        "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
        words("a b v g d e e zh z i y k l m n o p r s t u f kh ts ch sh shch _ y _ e yu ya"),
        strict=True,
    )
) | {"ъ": "", "ь": ""}


@dataclass(frozen=True, slots=True)
class Person:
    """A person with an account."""

    number: int
    first: str
    last: str
    female: bool
    russian: bool
    """Whether they write in Russian, so that their name is in Cyrillic."""
    from_russia: bool
    """Whether they studied in Russia; such a person may also write in English."""
    place: Place
    email: str

    @property
    def full_name(self) -> str:
        """First name and last name."""
        return f"{self.first} {self.last}"


def person(seed: int, kind: str, number: int, place: Place | None = None) -> Person:
    """The person with this number and kind, in `place` or anywhere."""
    rng = Random(f"{seed}/{kind}/{number}")  # noqa: S311
    place = place or some_place(rng)
    female = rng.random() < 0.42
    if from_russia := rng.random() < RUSSIANS_AT.get(place.country, 0.0):
        first = rng.choice(WOMEN_RU if female else MEN_RU)
        last = rng.choice(SURNAMES_RU)
        last = feminine(last) if female else last
        if not (russian := rng.random() < (0.93 if place.country == "ru" else 0.5)):
            first, last = latin(first), latin(last)
    else:
        country = place.country if place.country in ABROAD else "gb"
        men, women, surnames = (names.split() for names in ABROAD[country])
        first, last, russian = rng.choice(women if female else men), rng.choice(surnames), False
    email = email_of(first, last, kind, number, seed)
    return Person(number, first, last, female, russian, from_russia, place, email)


def email_of(first: str, last: str, kind: str, number: int, seed: int) -> str:
    """``first.last.17@board.example``.

    Employers have another domain, so that no two people share an email; other seeds give other
    people.
    """
    tail = "" if seed == DEFAULT_SEED else f".s{seed}"
    domain = "board.example" if kind == "candidate" else "hr.board.example"
    return f"{latin(first)}.{latin(last)}.{number}{tail}@{domain}".lower()


def feminine(surname: str) -> str:
    """The feminine form of a surname: ``Иванова``, ``Островская``."""
    for ending, other in (("ский", "ская"), ("цкий", "цкая"), ("ый", "ая")):
        if surname.endswith(ending):
            return surname.removesuffix(ending) + other
    return surname + "а"


def latin(text: str) -> str:
    """A Russian name in Latin letters; other letters are unchanged."""
    written = (
        latin_letter.capitalize() if letter.isupper() else latin_letter
        for letter in text
        for latin_letter in [_LATIN.get(letter.lower(), letter)]
    )
    whole = "".join(written)
    for ending, better in (("iy", "y"), ("yy", "y")):
        if whole.endswith(ending) and not text.isascii():
            return whole.removesuffix(ending) + better
    return whole
