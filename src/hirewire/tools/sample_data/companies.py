"""Employers: names, trades, what they say of themselves, and how much they hire."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from random import Random

from hirewire.tools.sample_data.phrases import words
from hirewire.tools.sample_data.places import Place, some_place

SIZES = (2, 3, 4, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 65, 85)
"""Vacancies of one company after another: 25 on average, and several companies on a small board."""


@dataclass(frozen=True, slots=True)
class Industry:
    """What a company does."""

    key: str
    english: str
    russian: str
    names_en: tuple[str, ...]
    names_ru: tuple[str, ...]


def _industry(key: str, english: str, russian: str, names_en: str, names_ru: str) -> Industry:
    return Industry(key, english, russian, tuple(names_en.split()), tuple(names_ru.split()))


INDUSTRIES = (
    _industry(
        "software",
        "develops business software for companies of every size",
        "разрабатывает программное обеспечение для бизнеса",
        "Software Systems Labs Technologies",
        "Софт Системы Технологии Лаб",
    ),
    _industry(
        "finance",
        "builds payment services for banks and online shops",
        "создаёт платёжные сервисы для банков и интернет-магазинов",
        "Pay Finance Capital Ledger",
        "Финанс Платежи Капитал Кредит",
    ),
    _industry(
        "trade",
        "runs an online store and a chain of pick-up points",
        "развивает интернет-магазин и сеть пунктов выдачи",
        "Market Retail Store Goods",
        "Маркет Торг Ритейл Опт",
    ),
    _industry(
        "transport",
        "plans deliveries and tracks cargo for shippers and carriers",
        "помогает грузовладельцам и перевозчикам планировать доставку",
        "Logistics Freight Routes Cargo",
        "Логистика Карго Транс Экспресс",
    ),
    _industry(
        "health",
        "makes digital services for clinics and their patients",
        "делает цифровые сервисы для клиник и пациентов",
        "Health Clinics Care Medical",
        "Мед Клиника Здоровье Диагностика",
    ),
    _industry(
        "learning",
        "teaches adults new professions online",
        "обучает взрослых новым профессиям онлайн",
        "Academy Learning School Courses",
        "Академия Знание Школа Образование",
    ),
    _industry(
        "telecom",
        "connects homes and offices to the internet",
        "подключает дома и офисы к интернету",
        "Telecom Networks Link Connect",
        "Телеком Связь Сети Линк",
    ),
    _industry(
        "industry",
        "supplies automation to factories",
        "поставляет системы автоматизации для заводов",
        "Automation Machines Robotics Instruments",
        "Автоматика Машины Приборы Завод",
    ),
    _industry(
        "games",
        "makes games for phones and computers",
        "делает игры для телефонов и компьютеров",
        "Games Play Studio Interactive",
        "Геймс Игры Студия Интерактив",
    ),
    _industry(
        "media",
        "produces concerts, broadcasts and festivals",
        "проводит концерты, трансляции и фестивали",
        "Media Stage Events Productions",
        "Медиа Сцена Продакшн Вещание",
    ),
    _industry(
        "security",
        "protects the data and networks of its customers",
        "защищает данные и сети заказчиков",
        "Security Defence Shield Guard",
        "Защита Щит Безопасность Киберзащита",
    ),
    _industry(
        "travel",
        "helps travellers to book tickets and hotels",
        "помогает путешественникам бронировать билеты и отели",
        "Travel Trips Booking Journeys",
        "Трэвел Тур Вояж Отель",
    ),
)
SHARES = (24, 14, 12, 8, 7, 6, 7, 8, 4, 5, 5, 4)
# How much likelier (or less likely) a company of the industry hires for a trade, else the default.
FACTORS: dict[str, tuple[float, dict[str, float]]] = {
    "sound": (0.03, {"media": 40, "games": 1}),
    "video": (0.03, {"media": 40}),
    "stage": (0.03, {"media": 40}),
    "camera": (0.03, {"media": 40, "learning": 4}),
    "broadcast": (0.03, {"media": 40}),
    "cinema": (0.02, {"media": 40}),
    "games": (0.03, {"games": 15}),
    "gametest": (0.02, {"games": 15}),
    "avia": (0.03, {"transport": 5}),
    "cnc": (0.02, {"industry": 12}),
    "industrial": (0.2, {"industry": 5, "transport": 5, "trade": 2}),
    "embedded": (0.15, {"industry": 8, "telecom": 3}),
    "firmsec": (0.2, {"industry": 5, "security": 5}),
    "telecom": (0.1, {"telecom": 10}),
    "network": (0.7, {"telecom": 4}),
    "blockchain": (0.2, {"finance": 4}),
    "forensics": (0.3, {"security": 10}),
    "pentest": (0.5, {"security": 6}),
    "security": (0.8, {"security": 5}),
    "content": (1.0, {"trade": 3, "travel": 3, "media": 2}),
    "seo": (1.0, {"trade": 3, "travel": 3}),
}
FIRST_EN = words(
    "Amber Anchor Aspen Beacon Birch Bluebird Bright Cedar Cobalt Copper Coral Crescent Delta "
    "Ember Falcon Fern Granite Harbour Hazel Horizon Indigo Juniper Kestrel Lantern Larch Maple "
    "Meridian Mosaic Nimbus North Oak Olive Opal Orchard Pebble Pine Quartz Raven River Sable "
    "Silver Sparrow Summit Swift Thistle Tidal Umber Vale Vivid Willow"
)
FIRST_RU = words(
    "Авангард Азимут Альтаир Амур Апекс Арго Байкал Вектор Вертекс Вега Восток Гермес Горизонт "
    "Дельта Заря Импульс Ирбис Кедр Кобальт Компас Корвет Кристалл Ладога Маяк Меридиан Мозаика "
    "Нева Норд Оникс Орбита Орион Парус Полюс Прайм Пульс Радиан Ракурс Рубикон Рубин Север "
    "Сигма Спектр Стрела Тайга Таймыр Титан Урал Фарватер Феникс Форпост Эталон Юнион Янтарь"
)


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
    """Vacancies it has when the board is large enough."""


def company(seed: int, number: int) -> Company:
    """The company of this number."""
    rng = Random(f"{seed}/company/{number}")  # noqa: S311
    place = some_place(rng)
    share = {"ru": 0.97, "ge": 0.4, "am": 0.4, "rs": 0.35, "cy": 0.3}.get(place.country, 0.0)
    russian = rng.random() < share
    [industry] = rng.choices(INDUSTRIES, SHARES)
    return Company(
        number,
        company_name(rng, industry, russian=russian),
        industry,
        place,
        russian,
        _phone(place, rng),
        rng.randint(1995, 2022),
        rng.choice((15, 30, 45, 60, 80, 120, 150, 200, 300, 450, 600, 900, 1500, 3000)),
        SIZES[number % len(SIZES)],
    )


def companies(seed: int, vacancies: int) -> Iterator[tuple[Company, int]]:
    """As many as have this many vacancies together, each with its share of them."""
    left = vacancies
    for number in count():
        if left <= 0:
            return
        found = company(seed, number)
        yield found, min(left, found.size)
        left -= found.size


def company_name(rng: Random, industry: Industry, *, russian: bool) -> str:
    """A name that nobody is known to have, in the company's language."""
    if russian:
        first, second = rng.choice(FIRST_RU), rng.choice(industry.names_ru)
        return rng.choice((f"{first} {second}", f"{first}-{second}", f"ООО «{first} {second}»"))
    first, second = rng.choice(FIRST_EN), rng.choice(industry.names_en)
    return rng.choice((f"{first} {second}", f"{first} {second}", f"{first}{second}"))


def affinity(trade: str, industry: Industry) -> float:
    """How likely a company of this industry hires for this trade; 1 is usual."""
    default, factors = FACTORS.get(trade, (1.0, {}))
    return factors.get(industry.key, default)


def past_employer(rng: Random, trade: str, *, russian: bool) -> tuple[str, Industry]:
    """A company that somebody of this trade has worked for."""
    weights = [
        share * affinity(trade, industry)
        for share, industry in zip(SHARES, INDUSTRIES, strict=True)
    ]
    [industry] = rng.choices(INDUSTRIES, weights)
    return company_name(rng, industry, russian=russian), industry


def _phone(place: Place, rng: Random) -> str:
    """A number that nobody has: no subscriber's begins with 000."""
    codes = {"ru": "+7 800", "ge": "+995 32", "am": "+374 10", "rs": "+381 11", "de": "+49 30"}
    codes |= {"gb": "+44 20", "nl": "+31 20", "cy": "+357 25"}
    return f"{codes[place.country]} 000-{rng.randint(0, 99):02}-{rng.randint(0, 99):02}"
