"""Cities where people live and companies are located."""

from dataclasses import dataclass
from functools import cache
from random import Random


@dataclass(frozen=True, slots=True)
class Place:
    """A city with its labour market."""

    english: str
    russian: str
    locative: str
    """The Russian name as used after ``в``."""
    country: str
    weight: int
    currency: str
    pay: float
    """Pay relative to Moscow."""

    @property
    def language(self) -> str | None:
        """A local language besides Russian and English, by its English name."""
        return _LANGUAGES.get(self.country)

    def name(self, *, russian: bool) -> str:
        """The name in the given language."""
        return self.russian if russian else self.english


_LANGUAGES = {
    "ge": "Georgian",
    "am": "Armenian",
    "rs": "Serbian",
    "de": "German",
    "nl": "Dutch",
    "cy": "Greek",
}
TABLE = """
Moscow|Москва|Москве|ru|260|RUB|1.0
Saint Petersburg|Санкт-Петербург|Санкт-Петербурге|ru|150|RUB|0.9
Kazan|Казань|Казани|ru|75|RUB|0.75
Novosibirsk|Новосибирск|Новосибирске|ru|65|RUB|0.75
Yekaterinburg|Екатеринбург|Екатеринбурге|ru|65|RUB|0.75
Nizhny Novgorod|Нижний Новгород|Нижнем Новгороде|ru|50|RUB|0.7
Krasnodar|Краснодар|Краснодаре|ru|50|RUB|0.7
Ufa|Уфа|Уфе|ru|40|RUB|0.65
Perm|Пермь|Перми|ru|40|RUB|0.65
Samara|Самара|Самаре|ru|35|RUB|0.65
Rostov-on-Don|Ростов-на-Дону|Ростове-на-Дону|ru|35|RUB|0.65
Voronezh|Воронеж|Воронеже|ru|25|RUB|0.65
Chelyabinsk|Челябинск|Челябинске|ru|25|RUB|0.65
Krasnoyarsk|Красноярск|Красноярске|ru|25|RUB|0.7
Omsk|Омск|Омске|ru|20|RUB|0.6
Tomsk|Томск|Томске|ru|14|RUB|0.65
Innopolis|Иннополис|Иннополисе|ru|6|RUB|0.85
Tbilisi|Тбилиси|Тбилиси|ge|35|GEL|0.9
Yerevan|Ереван|Ереване|am|35|AMD|0.9
Belgrade|Белград|Белграде|rs|35|RSD|1.05
Berlin|Берлин|Берлине|de|55|EUR|1.8
London|Лондон|Лондоне|gb|50|GBP|2.0
Amsterdam|Амстердам|Амстердаме|nl|25|EUR|1.85
Limassol|Лимасол|Лимасоле|cy|15|EUR|1.5
"""
_ALSO_IN = {"ge": "USD", "am": "USD", "rs": "EUR"}
"""The currency in which IT is often paid there instead of the national one."""


@cache
def places() -> tuple[Place, ...]:
    """All places."""
    rows = (line.split("|") for line in TABLE.strip().splitlines())
    return tuple(
        Place(english, russian, locative, country, int(weight), currency, float(pay))
        for english, russian, locative, country, weight, currency, pay in rows
    )


def some_place(rng: Random) -> Place:
    """A random place; larger ones are more frequent."""
    [found] = rng.choices(places(), [place.weight for place in places()])
    return found


def currency_at(place: Place, rng: Random) -> str:
    """The currency of a salary there."""
    return (
        _ALSO_IN[place.country]
        if place.country in _ALSO_IN and rng.random() < 0.5
        else (place.currency)
    )


def remote(*, russian: bool) -> str:
    """The place of those who work from anywhere."""
    return "Удалённо" if russian else "Remote"
