"""Eight more, written when the reader had been corrected by those of `later_2`."""

from tests.vacancies.adverts.advert import Advert

CARPENTER = Advert(
    "carpenter",
    """\
Joiner / Bench Carpenter

Fenwick & Daughters, Gateshead

We have been making staircases since 1974 and now need another pair of hands in the workshop.

Salary £31k-£36k pa. Full time, Monday to Thursday.

You should have
- a City & Guilds or NVQ in joinery
- experience with spindle moulders
- 3+ years in a workshop

Helpful but not essential
- CNC routing
- AutoCAD
""",
    title="Joiner / Bench Carpenter",
    city="Gateshead",
    employment="FULL_TIME",
    experience="between3And6",
    pay=(31_000, 36_000, "GBP", "YEAR", True),
    must=["a City & Guilds or NVQ in joinery", "spindle moulders"],
    nice=["CNC routing", "AutoCAD"],
)

TUTOR = Advert(
    "tutor",
    """\
Репетитор по физике онлайн

Школа «Интеграл» — подготовка к ЕГЭ с 2015 года.

➤ Оплата: 900–1200 ₽/час
➤ Занятость: частичная, от 10 часов в неделю
➤ Формат: дистанционно

Кто нам нужен
➤ высшее образование (физика, математика)
➤ опыт преподавания от 2-х лет
➤ подготовка к ЕГЭ
➤ грамотная речь

Плюс, если есть
➤ статус эксперта ЕГЭ
""",
    title="Репетитор по физике онлайн",
    city=None,
    work_format="remote",
    employment="PART_TIME",
    experience="between1And3",
    pay=(900, 1_200, "RUB", "HOUR", True),
    must=["высшее образование (физика, математика)", "подготовка к ЕГЭ", "грамотная речь"],
    nice=["статус эксперта ЕГЭ"],
)

BUYER = Advert(
    "buyer",
    """\
Закупщик строительных материалов
ГК «Монолит-Юг», Краснодар

Доход от 85 000 рублей до вычета НДФЛ

Чем заниматься:
- искать поставщиков бетона и арматуры
- согласовывать цены и сроки

Наши требования:
- опыт в закупках от 3 лет;
- Excel, 1С:УТ;
- навыки переговоров;
- водительские права кат. B.

Условия:
- офис у парка «Галицкого», 5/2;
- ДМС после испытательного срока.
""",
    title="Закупщик строительных материалов",
    city="Краснодар",
    work_format="on_site",
    experience="between3And6",
    pay=(85_000, None, "RUB", "MONTH", True),
    must=["Excel", "1С:УТ", "переговоров", "водительские права кат. B"],
)

SOCIAL = Advert(
    "social",
    """\
Hiring: Social Worker (Children & Families)

Employer: Tollgate County Council
Work location: Shrewsbury, with two days a week at home
Pay scale: £37,938 - £42,708
Contract: permanent, full-time (37 hours)

What you'll be doing
Assessments, visits and a lot of listening.

What we need from you
Social Work England registration
Post-qualification experience of at least two years
A full driving licence and a car
Safeguarding

It'd be a bonus if you have
Practice educator award
""",
    title="Social Worker (Children & Families)",
    city="Shrewsbury",
    work_format="hybrid",
    employment="FULL_TIME",
    experience="between1And3",
    pay=(37_938, 42_708, "GBP", "YEAR", True),
    must=[
        *("Social Work England registration", "A full driving licence and a car"),
        "Safeguarding",
    ],
    nice=["Practice educator award"],
)

PASTRY = Advert(
    "pastry",
    """\
Кондитер в пекарню

Пекарня «Сдоба» (Томск, пр. Ленина, 50) ищет кондитера.
Работа 2/2 с 6:00 до 18:00, ставка 2800 рублей за смену + премия, в среднем 45 тысяч в месяц.

Что умеете:
— печь бисквиты и песочное тесто
— работать с шоколадом
— соблюдать санитарные нормы

Нужна медкнижка. Опыт от полугода.
""",
    title="Кондитер в пекарню",
    city="Томск",
    experience="noExperience",
    pay=(2_800, None, "RUB", "DAY", True),
    must=["печь бисквиты и песочное тесто", "шоколадом", "соблюдать санитарные нормы"],
)

SECURITY = Advert(
    "security",
    """\
Information Security Engineer

Location: Tallinn (hybrid, 3 days in the office)
Salary: 4500-6000 EUR/month gross

WHAT YOU'LL DO
• Run our vulnerability management
• Answer auditors

WHAT YOU SHOULD BRING
• 4+ years in information security
• Linux, networking, Python scripting
• ISO 27001
• Very good English; Estonian is a plus

WE ARE NOT ASKING FOR
• A degree
""",
    title="Information Security Engineer",
    city="Tallinn",
    work_format="hybrid",
    experience="between3And6",
    pay=(4_500, 6_000, "EUR", "MONTH", True),
    languages=[("English", None)],
    must=["Linux", "networking", "Python scripting", "ISO 27001"],
    nice=["Estonian"],
)

STORE = Advert(
    "store",
    """\
Администратор магазина цветов

📌 г. Пермь, ТЦ «Карнавал»
📌 График 3/3, 10:00–21:00
📌 З/п 55 000 – 70 000 (на руки)
📌 Стажировка 3 дня оплачивается

Обязанности
Приёмка товара, касса, работа с жалобами.

Требования
Опыт управления персоналом от 1 года
Кассовая дисциплина
Знание Excel

Преимуществом будет
Опыт во флористике
""",
    title="Администратор магазина цветов",
    city="Пермь",
    experience="between1And3",
    pay=(55_000, 70_000, "RUB", "MONTH", False),
    must=["Кассовая дисциплина", "Excel"],
    nice=["флористике"],
)

NANNY = Advert(
    "nanny",
    """\
Live-out nanny for twins

Family in Melbourne's inner north is looking for a nanny, Tuesday to Thursday, 8am to 5pm.

AUD 36-40 per hour plus super.

Must have:
Working with Children Check
First aid certificate
At least three years' experience with toddlers

Nice to have:
Italian
Cooking
""",
    title="Live-out nanny for twins",
    city="Melbourne",
    experience="between3And6",
    pay=(36, 40, "AUD", "HOUR", True),
    must=["Working with Children Check", "First aid certificate"],
    nice=["Italian", "Cooking"],
)

LATER_3 = (CARPENTER, TUTOR, BUYER, SOCIAL, PASTRY, SECURITY, STORE, NANNY)
