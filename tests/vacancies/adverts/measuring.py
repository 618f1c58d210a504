"""How many fields of an advert are read right; `python -m tests.vacancies.adverts.measuring`.

`--held` adds the adverts that were held back, `--show` what is wrong in those, too.
"""

import sys
from collections import Counter
from collections.abc import Iterable

from hirewire.esco.forms import stems_of, without_filler
from hirewire.vacancies.adverts import known
from hirewire.vacancies.adverts.draft import Draft
from hirewire.vacancies.adverts.reader import read
from tests.vacancies.adverts.advert import Advert
from tests.vacancies.adverts.held import HELD
from tests.vacancies.adverts.later_1 import LATER_1
from tests.vacancies.adverts.later_2 import LATER_2
from tests.vacancies.adverts.later_3 import LATER_3
from tests.vacancies.adverts.later_4 import LATER_4
from tests.vacancies.adverts.later_5 import LATER_5
from tests.vacancies.adverts.seen import SEEN

KINDS = (
    *("title", "pay", "city", "format", "employment", "experience"),
    *("languages", "must", "nice"),
)


def right(advert: Advert, draft: Draft) -> tuple[Counter[str], Counter[str], list[str]]:
    """How many fields of each kind are right, how many there are, and what is wrong."""
    good: Counter[str] = Counter()
    all_: Counter[str] = Counter()
    wrong: list[str] = []

    def check(kind: str, expected: object, found: object) -> None:
        all_[kind] += 1
        good[kind] += expected == found
        if expected != found:
            wrong.append(f"{kind}: {expected!r} is read as {found!r}")

    check("title", advert.title, draft.title)
    check("city", advert.city, draft.area)
    check("format", advert.work_format, draft.work_format)
    check("employment", advert.employment, draft.employment_type)
    check("experience", advert.experience, draft.experience)
    pay = draft.salary
    found = (pay.min, pay.max, pay.currency, pay.unit, pay.gross) if pay else None
    check("pay", advert.pay, found)
    spoken = {one.language.casefold(): one.level for one in draft.languages}
    expected = {name.casefold(): level for name, level in advert.languages}
    for name in {*expected, *spoken}:
        check("languages", expected.get(name, "none"), spoken.get(name, "none"))
    for kind, names in (("must", advert.must), ("nice", advert.nice)):
        read_ = {_key(one.skill): one.skill for one in draft.requirements if one.kind == kind}
        for name in names:
            check(kind, True, _key(name) in read_ or name)
        for key in read_.keys() - set(map(_key, names)):
            check(kind, None, read_[key])
    return good, all_, wrong


def _key(skill: str) -> str:
    return stems_of(min((skill, *without_filler(skill)), key=len))


def measure(adverts: Iterable[Advert], *, is_shown: bool = False) -> dict[str, float]:
    """The share of fields that are read right, by kind."""
    good: Counter[str] = Counter()
    all_: Counter[str] = Counter()
    for advert in adverts:
        some, whole, wrong = right(advert, read(advert.text, known.DICTIONARIES))
        good += some
        all_ += whole
        if is_shown:
            print(f"  {advert.name}: {some.total()} of {whole.total()}", *wrong, sep="\n    ")  # noqa: T201
    return {kind: good[kind] / all_[kind] for kind in KINDS if all_[kind]}


def main() -> None:
    shares = {"made with": measure(SEEN, is_shown=True)}
    if "--held" in sys.argv:
        others = {"held back": HELD, "later 1": LATER_1, "later 2": LATER_2}
        others |= {"later 3": LATER_3, "later 4": LATER_4, "later 5": LATER_5}
        for name, adverts in others.items():
            shares[name] = measure(adverts, is_shown="--show" in sys.argv)
    print("| adverts |", " | ".join(KINDS), "|")  # noqa: T201
    for name, found in shares.items():
        print(f"| {name} |", *(f"{found[kind]:.0%} |" for kind in KINDS))  # noqa: T201


if __name__ == "__main__":
    main()
