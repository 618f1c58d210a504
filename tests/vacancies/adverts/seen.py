"""Ten adverts with which the reader was made. Companies are invented."""

from tests.vacancies.adverts.advert import Advert

NURSE = Advert(
    "nurse",
    """\
Registered Nurse (Night Shift)
Willowbrook Care Home – Bristol
Salary: £19.50 – £22.00 per hour
Full-time, permanent

About the role
We are a family-run care home with 42 residents. You will lead the night team and look after
people who have lived here for years.

Responsibilities
• Administer medication and keep care plans up to date
• Supervise three healthcare assistants
• Speak with families

What you need
• NMC registration
• At least 1 year of experience in elderly care
• Medication administration
• Wound care
• Good English (B2 or above)

Nice to have
• Dementia care
• Phlebotomy

What we offer
• Paid breaks and free meals
• 28 days of holiday
""",
    title="Registered Nurse (Night Shift)",
    city="Bristol",
    employment="FULL_TIME",
    experience="between1And3",
    pay=(20, 22, "GBP", "HOUR", True),
    languages=[("English", "B2")],
    must=["NMC registration", "Medication administration", "Wound care"],
    nice=["Dementia care", "Phlebotomy"],
)

ELECTRICIAN = Advert(
    "electrician",
    """\
Вакансия: Электромонтажник

Компания «Светлый контур» (г. Нижний Новгород) приглашает электромонтажника на строящиеся объекты.

Зарплата: от 90 000 до 130 000 руб. на руки
График: полная занятость, 5/2
Опыт работы: от 3 лет

Обязанности:
- монтаж кабельных линий и щитов;
- прокладка кабельных лотков;
- подключение светильников.

Требования:
- группа допуска по электробезопасности не ниже III;
- чтение электрических схем;
- монтаж кабельных линий;
- без вредных привычек.

Будет плюсом:
- водительские права категории B
- сварка

Условия:
- спецодежда и инструмент за счёт компании;
- оформление по ТК РФ.
""",
    title="Электромонтажник",
    city="Нижний Новгород",
    employment="FULL_TIME",
    experience="between3And6",
    pay=(90_000, 130_000, "RUB", "MONTH", False),
    must=[
        "группа допуска по электробезопасности не ниже III",
        "чтение электрических схем",
        "монтаж кабельных линий",
    ],
    nice=["водительские права категории B", "сварка"],
)

BACKEND = Advert(
    "backend",
    """\
Senior Backend Engineer, remote within Europe

Parcelwise is hiring. €75k–€95k a year before tax, depending on experience. Full time.

We route four million parcels a day, and our small team of nine looks after the services behind it.

You will
* design and run Python services
* review code and mentor two junior engineers

Requirements:
* 5+ years of commercial experience
* Python, PostgreSQL, Docker
* RabbitMQ or Kafka
* English C1

Bonus points:
* Kubernetes, Terraform
* German
""",
    title="Senior Backend Engineer",
    city=None,
    work_format="remote",
    employment="FULL_TIME",
    experience="between3And6",
    pay=(75_000, 95_000, "EUR", "YEAR", True),
    languages=[("English", "C1")],
    must=["Python", "PostgreSQL", "Docker", "RabbitMQ", "Kafka"],
    nice=["Kubernetes", "Terraform", "German"],
)

ACCOUNTANT = Advert(
    "accountant",
    """\
ООО «Тихая гавань»
Главный бухгалтер
Калининград, Ленинский пр-т, 30
от 140 000 ₽ в месяц до вычета налогов

Обязанности
— ведение бухгалтерского и налогового учёта двух юридических лиц на ОСНО
— сдача отчётности в ФНС и СФР
— общение с банками

Мы ждём от вас
— опыт работы главным бухгалтером более 6 лет
— 1С:Бухгалтерия 8.3, Excel
— налоговый учёт
— составление отчётности

Желательно
— знание ВЭД
— английский язык на уровне B1

Мы предлагаем
— работа в офисе рядом с парком, возможен гибридный график
— полная занятость
""",
    title="Главный бухгалтер",
    city="Калининград",
    work_format="hybrid",
    employment="FULL_TIME",
    experience="moreThan6",
    pay=(140_000, None, "RUB", "MONTH", True),
    must=["1С:Бухгалтерия 8.3", "Excel", "налоговый учёт", "составление отчётности"],
    nice=["ВЭД", "английский"],
)

COOK = Advert(
    "cook",
    """\
WE'RE LOOKING FOR A CHEF DE PARTIE!

The Copper Kettle, Edinburgh city centre. On site, of course.

Pay: £28,000 per annum plus tips
Type: Full-time
Experience: 2 years in a busy kitchen

You'll run the fish section, train commis chefs and keep the fridge book.

Skills you need: fish preparation, food hygiene, stock control
Good to have: pastry, sous vide cooking

Call Moira on 0131 496 0000.
""",
    title="Chef de Partie",
    city="Edinburgh",
    work_format="on_site",
    employment="FULL_TIME",
    experience="between1And3",
    pay=(28_000, None, "GBP", "YEAR", True),
    must=["fish preparation", "food hygiene", "stock control"],
    nice=["pastry", "sous vide cooking"],
)

DRIVER = Advert(
    "driver",
    """\
Требуется водитель-экспедитор категории С в г. Самара

✅ Зарплата 95–110 тыс. рублей, выплаты два раза в месяц
✅ Постоянная работа, полный день
✅ Можно без опыта — научим

Что делать:
🔹 развозить молочную продукцию по магазинам города
🔹 оформлять накладные

Требования:
🔹 водительское удостоверение категории С
🔹 знание города
🔹 карта водителя

Тел. 8 (846) 200-00-00, Марина
""",
    title="Водитель-экспедитор категории С",
    city="Самара",
    employment="FULL_TIME",
    experience="noExperience",
    pay=(95_000, 110_000, "RUB", "MONTH", True),
    must=["водительское удостоверение категории С", "знание города", "карта водителя"],
)

SALES = Advert(
    "sales",
    """\
Менеджер по продажам (мебель для офиса)

О компании
Мы делаем столы и стулья для офисов с 2008 года. В отделе 12 человек.

Чем предстоит заниматься
• Продажи по входящим обращениям
• Подготовка коммерческих предложений

Что для нас важно
• Опыт продаж от 1 года
• Ведение переговоров
• Уверенное владение CRM
• Деловая переписка

Будет преимуществом
• Знание AutoCAD

Что предлагаем
• Оклад 60 000 руб. + процент, в среднем 120 000 руб. gross
• Удалённая работа по всей России
• Занятость: частичная

Город: Екатеринбург
""",
    title="Менеджер по продажам (мебель для офиса)",
    city="Екатеринбург",
    work_format="remote",
    employment="PART_TIME",
    experience="between1And3",
    pay=(60_000, 120_000, "RUB", "MONTH", True),
    must=["Ведение переговоров", "CRM", "Деловая переписка"],
    nice=["AutoCAD"],
)

TEACHER = Advert(
    "teacher",
    """\
Position: Mathematics Teacher
School: Harborview International School
Location: Porto, Portugal
Contract: fixed-term contract, one school year
Salary: EUR 2,400 – 2,900 per month, net
Start: 1 September

We are seeking a teacher of mathematics for grades 7 to 10.

Essential
- A degree in mathematics or education
- Classroom management
- Curriculum development
- Native or near-native English
Desirable
- IB Diploma Programme
- Portuguese at A2
- Three years of teaching experience
""",
    title="Mathematics Teacher",
    city="Porto",
    employment="TEMPORARY",
    experience="between3And6",
    pay=(2_400, 2_900, "EUR", "MONTH", False),
    languages=[("English", "C2")],
    must=["A degree in mathematics or education", "Classroom management", "Curriculum development"],
    nice=["IB Diploma Programme", "Portuguese"],
)

TESTER = Advert(
    "tester",
    """\
Тестировщик мобильных приложений (QA Engineer)
Удалённо или офис в Казани
120 000 — 160 000 ₽ на руки

Команда приложения «Мой двор» ищет тестировщика. Приложением пользуются жители 3 тысяч домов.

Задачи:
• писать тест-кейсы;
• тестировать приложения для Android и iOS.

Нужно:
• опыт от 1 до 3 лет;
• тест-дизайн;
• Postman, Charles, SQL;
• английский — чтение документации.

Плюсом будет:
• Python;
• Appium.

Оформляем в штат, полный рабочий день.
""",
    title="Тестировщик мобильных приложений (QA Engineer)",
    city="Казань",
    work_format="remote",
    employment="FULL_TIME",
    experience="between1And3",
    pay=(120_000, 160_000, "RUB", "MONTH", False),
    languages=[("английский", None)],
    must=["тест-дизайн", "Postman", "Charles", "SQL"],
    nice=["Python", "Appium"],
)

WAREHOUSE = Advert(
    "warehouse",
    """\
Job title: Warehouse Operative
Company: Larkfield Logistics
Where: Leeds
Hours: part-time, 20 hours a week, evenings
Pay: from £12.60 an hour

No experience needed: we train you.

WHAT YOU WILL DO
Pick and pack orders, load vans, keep the bays tidy.

REQUIREMENTS
Order picking
Manual handling
Basic English

ADVANTAGES
Forklift licence

WE OFFER
Free parking, a canteen, paid training.
""",
    title="Warehouse Operative",
    city="Leeds",
    employment="PART_TIME",
    experience="noExperience",
    pay=(13, None, "GBP", "HOUR", True),
    languages=[("English", "A1")],
    must=["Order picking", "Manual handling"],
    nice=["Forklift licence"],
)

SEEN = (
    *(NURSE, ELECTRICIAN, BACKEND, ACCOUNTANT, COOK),
    *(DRIVER, SALES, TEACHER, TESTER, WAREHOUSE),
)
