"""Eight more, written when the reader had been corrected by those of `later_1`."""

from tests.vacancies.adverts.advert import Advert

GARDENER = Advert(
    "gardener",
    """\
Seasonal Gardener

Ashcombe Manor Gardens, near Exeter, is recruiting two gardeners from April to October.

Rate of pay: £12.21 per hour
Contract type: Seasonal, 37.5 hours per week
Reports to: Head Gardener

Main duties
Mowing, weeding, planting out and talking to visitors.

Person specification

Essential:
Plant identification
Pruning
Pesticide certificate (PA1 and PA6)
A full UK driving licence

Desirable:
Chainsaw certificate
Hedge laying
""",
    title="Seasonal Gardener",
    city="Exeter",
    employment="TEMPORARY",
    pay=(12, None, "GBP", "HOUR", True),
    must=[
        *("Plant identification", "Pruning", "Pesticide certificate (PA1 and PA6)"),
        "A full UK driving licence",
    ],
    nice=["Chainsaw certificate", "Hedge laying"],
)

GUARD = Advert(
    "guard",
    """\
ОХРАННИК (вахта 30/30)

Охранное предприятие "Гранит-Щит" проводит набор охранников для работы в г. Сургут.

Оплата 3 500 руб. за смену, проживание и проезд за наш счёт.

Требования к кандидатам:
— удостоверение частного охранника 4–6 разряда
— опыт работы не обязателен
— пользование ПК

Обязанности: пропускной режим, обходы территории, видеонаблюдение.

Контактный телефон: +7 900 000-00-00 (Сергей)
""",
    title="Охранник (вахта 30/30)",
    city="Сургут",
    experience="noExperience",
    pay=(3_500, None, "RUB", "DAY", True),
    must=["удостоверение частного охранника 4–6 разряда", "пользование ПК"],
)

PHARMACIST = Advert(
    "pharmacist",
    """\
Position Title: Community Pharmacist
Location: Cork City, Ireland
Salary Range: €65,000 to €72,000 per annum (DOE)
Job Type: Full Time
Remote: No

Role Summary
Dispense prescriptions and run our vaccination clinic.

Requirements
• PSI registration
• Minimum 2 years' post-qualification experience
• Vaccination training
• Excellent communication skills
• Fluent English

Preferred
• Smoking cessation counselling
• Touchstore
""",
    title="Community Pharmacist",
    city="Cork",
    work_format="on_site",
    employment="FULL_TIME",
    experience="between1And3",
    pay=(65_000, 72_000, "EUR", "YEAR", True),
    languages=[("English", "C1")],
    must=["PSI registration", "Vaccination training", "communication skills"],
    nice=["Smoking cessation counselling", "Touchstore"],
)

COURIER = Advert(
    "courier",
    """\
Курьер на велосипеде — Казань

до 110 000 ₽ в месяц

Служба «Пять минут» доставляет еду и лекарства. Свободный график: выходите, когда удобно.
Подойдёт для подработки. Оформляем как самозанятых.

Что нужно:
✔ смартфон на Android
✔ знание города
✔ вежливость

Мы даём:
✔ термосумку
✔ страховку
""",
    title="Курьер на велосипеде",
    city="Казань",
    employment="CONTRACTOR",
    pay=(None, 110_000, "RUB", "MONTH", True),
    must=["смартфон на Android", "знание города"],
)

UX = Advert(
    "ux",
    """\
UX Designer (f/m/d) | Hamburg or remote (Germany)

You care about people who have to use software, not about software.

YOUR TASKS
– Interview port workers and turn what they say into flows
– Build prototypes

YOUR PROFILE
– 3 years or more in product design
– Figma
– User research, usability testing
– Very good German (C1), good English

NICE TO HAVE
– Design systems
– HTML & CSS

WE OFFER
– 55.000 – 65.000 € per year
– full-time or 80 %
""",
    title="UX Designer (f/m/d)",
    city="Hamburg",
    work_format="remote",
    employment="FULL_TIME",
    experience="between3And6",
    pay=(55_000, 65_000, "EUR", "YEAR", True),
    languages=[("German", "C1"), ("English", None)],
    must=["Figma", "User research", "usability testing"],
    nice=["Design systems", "HTML", "CSS"],
)

EDUCATOR = Advert(
    "educator",
    """\
Воспитатель в частный детский сад «Ёлочка»

Ярославль, Брагино. Полный день с 8 до 18, пятидневка.

Мы платим 70 000 рублей в месяц на руки, испытательный срок — 1 месяц.

Ждём вас, если у вас есть:
1) педагогическое образование;
2) опыт работы с детьми от 3 лет — минимум 1 год;
3) медицинская книжка.

Будем рады, если вы играете на фортепиано.
""",
    title="Воспитатель в частный детский сад «Ёлочка»",
    city="Ярославль",
    employment="FULL_TIME",
    experience="between1And3",
    pay=(70_000, None, "RUB", "MONTH", False),
    must=["педагогическое образование", "медицинская книжка"],
)

CNC = Advert(
    "cnc",
    """\
CNC Machinist needed in Grand Rapids, MI!

$24.00 - $31.00 per hour, overtime paid. 1st shift, full time.

Tulip Valley Precision makes parts for wind turbines.

Qualifications:
* High school diploma
* 5 years CNC machining experience
* Blueprint reading
* Fanuc controls
* GD&T

Pluses:
* Mastercam
* Spanish
""",
    title="CNC Machinist",
    city="Grand Rapids",
    employment="FULL_TIME",
    experience="between3And6",
    pay=(24, 31, "USD", "HOUR", True),
    must=["High school diploma", "Blueprint reading", "Fanuc controls", "GD&T"],
    nice=["Mastercam", "Spanish"],
)

TRANSLATOR = Advert(
    "translator",
    """\
Бюро переводов «Полиглот» ищет переводчика с китайского языка

Работа удалённая, проектная занятость
Ставка: 600 ₽ за час редактуры, за перевод — 450 ₽ за страницу

Требования
• Высшее лингвистическое образование
• Китайский язык C1, английский B2
• Trados или memoQ
• Опыт письменных переводов от 2 лет

Пожелания
• Знание медицинской терминологии
""",
    title="Переводчик с китайского языка",
    city=None,
    work_format="remote",
    employment="CONTRACTOR",
    experience="between1And3",
    pay=(600, None, "RUB", "HOUR", True),
    languages=[("Китайский", "C1"), ("английский", "B2")],
    must=["Высшее лингвистическое образование", "Trados", "memoQ"],
    nice=["медицинской терминологии"],
)

LATER_2 = (GARDENER, GUARD, PHARMACIST, COURIER, UX, EDUCATOR, CNC, TRANSLATOR)
