"""Employers: names, industries, descriptions, and how many vacancies they have."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import count
from random import Random
from typing import TypeVar
from unicodedata import normalize

from hirewire.tools.sample_data.people import latin
from hirewire.tools.sample_data.phrases import words
from hirewire.tools.sample_data.places import Place, places

SMALL = 60
"""The number of companies with few vacancies: a small board has many employers and cities."""
SMALL_SIZES = (3, 5, 4, 6, 2, 7, 8, 3, 5, 7)
SIZES = (2, 3, 4, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 65, 85)
"""The numbers of vacancies of further companies, in turn: 25 on average."""
EVERY_ABROAD = 5
"""One in this many companies is abroad."""
IT = "it"
"""Stands for any IT occupation in what a company hires for."""
SPREAD = "industry/56"
"""Names the random sequence that spreads the industries.

Of several that were tried, this one gives small boards of the default seed the most trades in their
usual proportions.
"""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Industry:
    """What a company does, and for which work it hires."""

    key: str
    share: float
    abroad: float
    """The share of this industry among companies abroad."""
    english: str
    russian: str
    about_en: str
    about_ru: str
    names_en: tuple[str, ...]
    names_ru: tuple[str, ...]
    words: str
    """The word list from which its names are built."""
    hires: dict[str, float]
    """Trades and how often the industry hires for them."""


@cache
def industries() -> tuple[Industry, ...]:
    """All industries, in the order of the file."""
    text = (files("hirewire.tools.sample_data") / "industries.toml").read_text(encoding="utf-8")
    return tuple(
        Industry(
            key,
            row["share"],
            row["abroad"],
            row["en"],
            row["ru"],
            row["about_en"],
            row["about_ru"],
            tuple(row["names_en"]),
            tuple(row["names_ru"]),
            row["words"],
            row["hires"],
        )
        for key, row in tomllib.loads(text).items()
    )


# How much more (or less) often an IT company of the industry hires for an IT trade than the
# default.
FACTORS: dict[str, tuple[float, dict[str, float]]] = {
    "sound": (0.03, {"media": 40, "games": 1}),
    "video": (0.03, {"media": 40}),
    "stage": (0.03, {"media": 40}),
    "camera": (0.03, {"media": 40}),
    "broadcast": (0.03, {"media": 40}),
    "cinema": (0.02, {"media": 40}),
    "games": (0.03, {"games": 15}),
    "gametest": (0.02, {"games": 15}),
    "avia": (0.03, {"delivery": 5}),
    "cnc": (0.02, {"factory": 12, "automation": 6}),
    "industrial": (0.2, {"automation": 5, "delivery": 5, "onlineshop": 2}),
    "embedded": (0.15, {"automation": 8, "telecom": 3}),
    "firmsec": (0.2, {"automation": 5, "infosecurity": 5}),
    "telecom": (0.1, {"telecom": 10}),
    "network": (0.7, {"telecom": 4}),
    "blockchain": (0.2, {"finance": 4}),
    "forensics": (0.3, {"infosecurity": 10}),
    "pentest": (0.5, {"infosecurity": 6}),
    "security": (0.8, {"infosecurity": 5}),
    "content": (1.0, {"onlineshop": 3, "agency": 3, "media": 2}),
    "seo": (1.0, {"onlineshop": 3, "agency": 3}),
}
WORDS_EN = words(
    "Amber Anchor Aspen Beacon Birch Bluebird Bright Cedar Cobalt Copper Coral Crescent Delta "
    "Ember Falcon Fern Granite Harbour Hazel Horizon Indigo Juniper Kestrel Lantern Larch Maple "
    "Meridian Mosaic Nimbus North Oak Olive Opal Orchard Pebble Pine Quartz Raven River Sable "
    "Silver Sparrow Summit Swift Thistle Tidal Umber Vale Vivid Willow"
)
WORDS_RU = {
    "firm": words(
        "Азимут Альтаир Апекс Арго Вертекс Вега Горизонт Дельта Ирбис Кедр Кобальт Компас Корвет "
        "Кристалл Ладога Маяк Меридиан Мозаика Норд Оникс Опора Орбита Ориентир Параллель Полюс "
        "Пульс Радиан Ракурс Репер Рубикон Рубин Сигма Спектр Стапель Стрела Таймыр Траверс "
        "Фарватер Феникс Форпост Эталон Янтарь"
    ),
    "home": [
        *words(
            "Снегирь Иволга Журавушка Зимородок Стриж Морошка Рябинушка Калина Ольха Клевер Ивушка "
            "Околица Рассвет Берегиня Василёк Ладья Перекат Светлица Подсолнух Ромашка Соловушка "
            "Тополёк Черёмуха Причал Мельница"
        ),
        *[
            "Белый клён",
            "Тихий берег",
            "Новый двор",
            "Зелёный мыс",
            "Добрый сосед",
            "Три сосны",
            "Ясный день",
            "Золотой колос",
            "Старый мост",
            "Светлый дом",
            "Семь ветров",
            "Липовая аллея",
            "Хороший день",
            "Речная улица",
            "Тихая заводь",
            "Тёплый угол",
            "Сосновый бор",
            "Утренний свет",
            "Высокий берег",
            "Южный склон",
        ],
    ],
}


@dataclass(frozen=True, slots=True)
class Company:
    """An employer on the board."""

    number: int
    name: str
    industry: Industry
    place: Place
    russian: bool
    """The language of its vacancies."""
    phone: str
    founded: int
    staff: int
    size: int
    """The number of its vacancies on a board that is large enough."""

    @property
    def described(self) -> bool:
        """Whether its page has a description; three in four have one."""
        return self.number % 4 != 3

    @property
    def description(self) -> str:
        """The description on its page."""
        about = self.industry.about_ru if self.russian else self.industry.about_en
        if self.russian:
            since = f"Работаем с {self.founded} года, нас {self.staff}. Главный офис — в "
            return f"{about}\n\n{since}{self.place.locative}."
        since = f"We have been in business since {self.founded} and are {self.staff:,} people"
        return f"{about}\n\n{since}. The head office is in {self.place.english}."

    @property
    def site(self) -> str:
        """Its website, under a domain that is reserved for examples."""
        name = normalize("NFKD", latin(self.name)).encode("ascii", "ignore").decode().lower()
        plain = "".join(letter if letter.isalnum() else " " for letter in name).split()
        return f"https://{'-'.join(plain)}.example/"


def company(seed: int, number: int) -> Company:
    """The company with this number. Consecutive companies differ in city and industry."""
    rng = Random(f"{seed}/company/{number}")  # noqa: S311
    abroad = number % EVERY_ABROAD == EVERY_ABROAD - 1
    rank = number // EVERY_ABROAD if abroad else number - number // EVERY_ABROAD
    cities = [place for place in places() if (place.country != "ru") == abroad]
    place = _one_of(cities, [city.weight for city in cities], _point(seed, "city", rank, 2**0.5))
    share = {"ru": 0.97, "ge": 0.4, "am": 0.4, "rs": 0.35, "cy": 0.3}.get(place.country, 0.0)
    russian = rng.random() < share
    industry = _one_of(
        industries(),
        [one.abroad if abroad else one.share for one in industries()],
        _point(seed, SPREAD, rank, (1 + 5**0.5) / 2),
    )
    return Company(
        number,
        company_name(rng, industry, russian=russian, number=number),
        industry,
        place,
        russian,
        _phone(place, rng),
        rng.randint(1995, 2022),
        rng.choice((15, 30, 45, 60, 80, 120, 150, 200, 300, 450, 600, 900)),
        SMALL_SIZES[number % len(SMALL_SIZES)]
        if number < SMALL
        else SIZES[(number - SMALL) % len(SIZES)],
    )


def _point(seed: int, of: str, rank: int, step: float) -> float:
    """A point between 0 and 1. The first n points are spread evenly, for any n."""
    return (Random(f"{seed}/{of}").random() + rank * step) % 1  # noqa: S311


def _one_of(values: list[T] | tuple[T, ...], weights: list[float] | list[int], point: float) -> T:
    left = point * sum(weights)
    for value, weight in zip(values, weights, strict=True):
        left -= weight
        if left < 0:
            return value
    return values[-1]


def companies(seed: int, vacancies: int) -> Iterator[tuple[Company, int]]:
    """Companies that together have this many vacancies, each with its share."""
    left = vacancies
    for number in count():
        if left <= 0:
            return
        found = company(seed, number)
        yield found, min(left, found.size)
        left -= found.size


def company_name(
    rng: Random, industry: Industry, *, russian: bool, number: int | None = None
) -> str:
    """A name that no known company has, in the company's language."""
    stock = WORDS_RU[industry.words] if russian else WORDS_EN
    patterns = industry.names_ru if russian else industry.names_en
    if number is None:
        return rng.choice(patterns).replace("{}", rng.choice(stock))
    turn, place = divmod(
        number, len(stock)
    )  # companies that share a word have different name patterns
    return patterns[(turn + place) % len(patterns)].replace("{}", stock[place * 11 % len(stock)])


def affinity(trade: str, industry: Industry) -> float:
    """How likely a company of this industry hires for this IT trade; 1 is average."""
    default, factors = FACTORS.get(trade, (1.0, {}))
    return factors.get(industry.key, default)


def past_employer(rng: Random, trade: str, *, it: bool, russian: bool) -> tuple[str, Industry]:
    """A company at which somebody of this trade has worked."""
    weights = [
        one.share
        * (
            one.hires.get(IT, 0.0) * affinity(trade, one)
            if it
            else one.hires.get(trade, 0.0) ** 2  # usually one where it is the main trade
        )
        for one in industries()
    ]
    [industry] = rng.choices(industries(), weights)
    return company_name(rng, industry, russian=russian), industry


def _phone(place: Place, rng: Random) -> str:
    """A number that nobody has: no subscriber number begins with 000."""
    codes = {"ru": "+7 800", "ge": "+995 32", "am": "+374 10", "rs": "+381 11", "de": "+49 30"}
    codes |= {"gb": "+44 20", "nl": "+31 20", "cy": "+357 25"}
    return f"{codes[place.country]} 000-{rng.randint(0, 99):02}-{rng.randint(0, 99):02}"
