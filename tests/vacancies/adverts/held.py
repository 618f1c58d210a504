"""Ten adverts that were written with those of `seen`, and not read until the reader was made."""

from tests.vacancies.adverts.advert import Advert

WELDER = Advert(
    "welder",
    """\
Сварщик на полуавтомат

Завод «Речные суда», г. Тюмень

Условия:
• Заработная плата от 120 000 рублей (на руки)
• График работы 5/2, полная занятость
• Корпоративный транспорт

Обязанности:
• Сварка металлоконструкций
• Контроль качества швов

Требования:
• Опыт работы сварщиком не менее 3 лет
• Удостоверение НАКС
• Чтение чертежей
• Сварка полуавтоматом

Приветствуется:
• Аргонодуговая сварка
""",
    title="Сварщик на полуавтомат",
    city="Тюмень",
    employment="FULL_TIME",
    experience="between3And6",
    pay=(120_000, None, "RUB", "MONTH", False),
    must=["Удостоверение НАКС", "Чтение чертежей", "Сварка полуавтоматом"],
    nice=["Аргонодуговая сварка"],
)

BARISTA = Advert(
    "barista",
    """\
Barista – Dublin 8
Part-time | €14.50 per hour | weekends

Foxglove Coffee is a small roastery with two shops. We need a friendly barista for the weekend.

What you'll do
- Make coffee, take orders, close the till

What you'll bring
- Six months of experience behind a coffee machine
- Latte art
- Customer service
- Cash handling

It would be great if you also have
- Food safety certificate
- Spanish or Portuguese
""",
    title="Barista",
    city="Dublin",
    employment="PART_TIME",
    experience="noExperience",
    pay=(15, None, "EUR", "HOUR", True),
    must=["Latte art", "Customer service", "Cash handling"],
    nice=["Food safety certificate", "Spanish", "Portuguese"],
)

ANALYST = Advert(
    "analyst",
    """\
Data Analyst (hybrid, Manchester)

Salary: £42,000–£50,000 per year
Employment type: Full-time

Company: Brightmeter, which helps water companies find leaks.

Responsibilities:
• Build dashboards for engineers in the field
• Explain numbers to people who do not like numbers

Must have:
• 3+ years of experience in analytics
• SQL and Python
• Power BI or Tableau
• Statistics

Nice to have:
• dbt
• Experience with Snowflake

We are an equal opportunity employer.
""",
    title="Data Analyst",
    city="Manchester",
    work_format="hybrid",
    employment="FULL_TIME",
    experience="between3And6",
    pay=(42_000, 50_000, "GBP", "YEAR", True),
    must=["SQL", "Python", "Power BI", "Tableau", "Statistics"],
    nice=["dbt", "Snowflake"],
)

VET = Advert(
    "vet",
    """\
Ветеринарный врач

Клиника «Хвост и усы» в Воронеже ищет ветеринарного врача-терапевта.

З/п: 80 000 - 150 000 руб., до вычета НДФЛ
Опыт: 1–3 года
Тип занятости: полная

Вам предстоит:
1. Вести приём собак и кошек
2. Назначать анализы и лечение

Мы ожидаем:
1. Высшее ветеринарное образование
2. УЗИ-диагностика
3. Работа с рентгеном
4. Аккуратность и любовь к животным

Плюсом станет:
1. Опыт в хирургии
2. Английский язык (B1) для чтения статей
""",
    title="Ветеринарный врач",
    city="Воронеж",
    employment="FULL_TIME",
    experience="between1And3",
    pay=(80_000, 150_000, "RUB", "MONTH", True),
    must=["Высшее ветеринарное образование", "УЗИ-диагностика", "Работа с рентгеном"],
    nice=["хирургия", "английский"],
)

RECRUITER = Advert(
    "recruiter",
    """\
Ищем рекрутера в агентство «Вторая смена»

Формат: удалённо
Занятость: проектная работа (ГПХ)
Доход: 70 000 – 100 000 рублей в месяц
Опыт от года

Нам важны:
– массовый подбор
– поиск кандидатов на hh.ru
– проведение собеседований
– ведение базы в Хантфлоу

Хорошо, если есть:
– опыт подбора водителей
– казахский язык

Пишите в Телеграм: @vtoraya_smena_hr
""",
    title="Рекрутер",
    city=None,
    work_format="remote",
    employment="CONTRACTOR",
    experience="between1And3",
    pay=(70_000, 100_000, "RUB", "MONTH", True),
    must=[
        "массовый подбор",
        "поиск кандидатов на hh.ru",
        "проведение собеседований",
        "ведение базы в Хантфлоу",
    ],
    nice=["подбор водителей", "казахский"],
)

PLUMBER = Advert(
    "plumber",
    """\
PLUMBER WANTED

Location: Halifax, Nova Scotia
Job type: Full-time, permanent
Wage: CAD 32 to 38 per hour
Experience: 5 years or more

Fundy Pipes & Heating repairs and replaces boilers in old houses.

Qualifications
· Red Seal certification
· Pipefitting
· Boiler installation
· Valid driving licence

Assets
· Gas fitting
· French
""",
    title="Plumber",
    city="Halifax",
    employment="FULL_TIME",
    experience="between3And6",
    pay=(32, 38, "CAD", "HOUR", True),
    must=["Red Seal certification", "Pipefitting", "Boiler installation", "Valid driving licence"],
    nice=["Gas fitting", "French"],
)

RECEPTIONIST = Advert(
    "receptionist",
    """\
We are looking for a Front Desk Receptionist to join Hotel Lindenhof in Vienna.

What we offer: 2.300 € gross per month, free meals, a temporary position for the summer season.

Your profile:
• Fluent German and English at B2 level
• At least one year in a hotel
• Opera PMS
• Guest relations

Ideally you also bring:
• Italian
• Experience with Booking.com extranet

Apply with your CV. No remote work, sorry: our guests like to see you.
""",
    title="Front Desk Receptionist",
    city="Vienna",
    work_format="on_site",
    employment="TEMPORARY",
    experience="between1And3",
    pay=(2_300, None, "EUR", "MONTH", True),
    languages=[("German", "C1"), ("English", "B2")],
    must=["Opera PMS", "Guest relations"],
    nice=["Italian", "Booking.com extranet"],
)

LAWYER = Advert(
    "lawyer",
    """\
Юрист по договорной работе
Москва | гибрид | полный день
Заработная плата: до 180 000 руб. (gross)

Группа компаний «Северный причал»

Что делать
Готовить и согласовывать договоры, вести претензионную работу.

Что нужно
Высшее юридическое образование
Опыт от 3 до 6 лет
Договорное право
КонсультантПлюс
Английский B2

Что будет плюсом
Опыт работы с госзакупками
""",
    title="Юрист по договорной работе",
    city="Москва",
    work_format="hybrid",
    employment="FULL_TIME",
    experience="between3And6",
    pay=(None, 180_000, "RUB", "MONTH", True),
    languages=[("Английский", "B2")],
    must=["Высшее юридическое образование", "Договорное право", "КонсультантПлюс"],
    nice=["госзакупки"],
)

FRONTEND = Advert(
    "frontend",
    """\
#вакансия #remote #frontend

Frontend-разработчик (React)
Компания: Сервис доставки «Гречка»
Локация: Новосибирск / удалёнка
Вилка: 200–280к на руки

Требования: React, TypeScript, CSS; опыт от 3 лет
Плюсом: GraphQL, Figma
Занятость: фуллтайм

Писать: hr@grechka.example
""",
    title="Frontend-разработчик (React)",
    city="Новосибирск",
    work_format="remote",
    employment="FULL_TIME",
    experience="between3And6",
    pay=(200_000, 280_000, "RUB", "MONTH", False),
    must=["React", "TypeScript", "CSS"],
    nice=["GraphQL", "Figma"],
)

ENGINEER = Advert(
    "engineer",
    """\
Graduate Civil Engineer

Stonebridge Partners | Auckland, New Zealand

You will help to design bridges and culverts, visit sites and check drawings.

Compensation
NZD 68,000 - 74,000 annually

Who you are
• No previous experience required
• Bachelor's degree in civil engineering
• AutoCAD Civil 3D
• Structural analysis
• Full driving licence

A plus
• Revit
• Te reo Māori

This is a full-time position in our Auckland office.
""",
    title="Graduate Civil Engineer",
    city="Auckland",
    work_format="on_site",
    employment="FULL_TIME",
    experience="noExperience",
    pay=(68_000, 74_000, "NZD", "YEAR", True),
    must=[
        "Bachelor's degree in civil engineering",
        "AutoCAD Civil 3D",
        "Structural analysis",
        "Full driving licence",
    ],
    nice=["Revit", "Te reo Māori"],
)

HELD = (
    *(WELDER, BARISTA, ANALYST, VET, RECRUITER),
    *(PLUMBER, RECEPTIONIST, LAWYER, FRONTEND, ENGINEER),
)
