"""Six more, written when the reader had been corrected by those of `later_3`."""

from tests.vacancies.adverts.advert import Advert

OPTICIAN = Advert(
    "optician",
    """\
Dispensing Optician
Clearwater Eyes, Swansea — full time, Saturdays on rota
£27,500 – £31,000 plus bonus

We're a small independent with a loyal following.

The role
Fit frames, run the lab, look after repairs.

The person
• GOC registered
• Frame fitting
• One year post-qualification experience
• Friendly and patient

It would help if you had
• Contact lens teaching
• Welsh
""",
    title="Dispensing Optician",
    city="Swansea",
    employment="FULL_TIME",
    experience="between1And3",
    pay=(27_500, 31_000, "GBP", "YEAR", True),
    must=["GOC registered", "Frame fitting"],
    nice=["Contact lens teaching", "Welsh"],
)

TURNER = Advert(
    "turner",
    """\
На завод требуется токарь 5 разряда

Место работы: Ульяновск, Заволжский район
Зарплата: 100-140 т.р. на руки, аванс 2 раза
График: 2/2 по 11 часов

Что делаем: валы, втулки, фланцы по чертежам.

Какие требования:
- Опыт токарем от 3 лет
- Чтение чертежей
- Умение работать с микрометром
Не пьющий!

Что мы дадим:
- общежитие иногородним
""",
    title="Токарь 5 разряда",
    city="Ульяновск",
    experience="between3And6",
    pay=(100_000, 140_000, "RUB", "MONTH", False),
    must=["Чтение чертежей", "Умение работать с микрометром"],
)

EDITOR = Advert(
    "editor",
    """\
Редактор новостей (удалённо)

Издание «Полдень» ищет редактора утренней смены. С 6:00 до 14:00 по Москве.

Что по деньгам: 90 000 ₽ на руки, самозанятость.

Важно
• Грамотность
• Опыт в новостях не меньше двух лет
• Фактчекинг
• Работа в CMS

Круто, если
• Английский B1+
• Есть опыт с Photoshop
""",
    title="Редактор новостей",
    city=None,
    work_format="remote",
    employment="CONTRACTOR",
    experience="between1And3",
    pay=(90_000, None, "RUB", "MONTH", False),
    must=["Грамотность", "Фактчекинг", "CMS"],
    nice=["Английский", "Photoshop"],
)

LOGISTICS = Advert(
    "logistics",
    """\
Logistics Coordinator (m/w/d)
Rotterdam · On-site · Full-time

Maasvlakte Forwarding B.V. moves flowers across Europe.

Salary indication: € 2.900 - € 3.400 gross per month

Day to day
- Book trucks and ferries
- Solve what goes wrong at 4 am

What makes you a fit
- MBO 4 in logistics
- 1–2 years of experience in forwarding
- Dutch (fluent) and English (good)
- SAP TM

Preferably
- German
- Customs declarations
""",
    title="Logistics Coordinator (m/w/d)",
    city="Rotterdam",
    work_format="on_site",
    employment="FULL_TIME",
    experience="between1And3",
    pay=(2_900, 3_400, "EUR", "MONTH", True),
    languages=[("Dutch", "C1"), ("English", None)],
    must=["MBO 4 in logistics", "SAP TM"],
    nice=["German", "Customs declarations"],
)

GROOMER = Advert(
    "groomer",
    """\
Грумер в салон «Лапки»

💵 от 80 000 ₽ (50% от чека)
📍 Ростов-на-Дону, Пушкинская 100
⏰ 3 через 3

✔️ Обязанности: стрижка, тримминг, мытьё, сушка
✔️ Требования: опыт от 1 года, стрижка пуделей, свой инструмент
✔️ Будет плюсом: работа с кошками

Резюме и фото работ — @lapki_rostov
""",
    title="Грумер в салон «Лапки»",
    city="Ростов-на-Дону",
    experience="between1And3",
    pay=(80_000, None, "RUB", "MONTH", True),
    must=["стрижка пуделей", "свой инструмент"],
    nice=["работа с кошками"],
)

SALESFORCE = Advert(
    "support",
    """\
JOB: Technical Support Specialist
COMPANY: Orchard Signals
LOCATION: Remote (UK) or Reading
SALARY: up to £34,000
TYPE: Permanent, full-time

Our sensors tell fruit growers when frost is coming. You tell the growers what to do when a sensor
stops talking.

REQUIRED
Two years in technical support
Zendesk
Networking basics
Clear written English

GOOD TO HAVE
LoRaWAN
SQL

PERKS
Apples
""",
    title="Technical Support Specialist",
    city="Reading",
    work_format="remote",
    employment="FULL_TIME",
    experience="between1And3",
    pay=(None, 34_000, "GBP", "YEAR", True),
    languages=[("English", None)],
    must=["Zendesk", "Networking basics"],
    nice=["LoRaWAN", "SQL"],
)

LATER_4 = (OPTICIAN, TURNER, EDITOR, LOGISTICS, GROOMER, SALESFORCE)
