"""Eight adverts that were written after the reader, in other styles. Companies are invented."""

from tests.vacancies.adverts.advert import Advert

STYLIST = Advert(
    "stylist",
    """\
Do you love hair as much as we do?

Our salon in Brighton is growing, and we need a hair stylist three days a week. You'll be paid £14
an hour and keep all your tips. We close on Sundays and Mondays, and nobody works after six.

We'd like you to have an NVQ Level 2 in hairdressing and at least two years behind the chair. You
should be happy with balayage, cutting and blow drying. Barbering would be a bonus.

Pop in or write to hello@saltandscissors.example. Part-time only!
""",
    title="Hair stylist",
    city="Brighton",
    employment="PART_TIME",
    experience="between1And3",
    pay=(14, None, "GBP", "HOUR", True),
    must=["NVQ Level 2 in hairdressing", "balayage", "cutting", "blow drying"],
    nice=["Barbering"],
)

SELLER = Advert(
    "seller",
    """\
🔥 ПРОДАВЕЦ-КОНСУЛЬТАНТ В МАГАЗИН ОБУВИ 🔥
📍 Санкт-Петербург, м. Лиговский проспект
💰 ЗП 65000-85000₽ (оклад + %)
🕐 2/2, с 10:00 до 22:00

Что делаем:
👉 консультируем покупателей
👉 выкладываем товар

Кого ищем:
👉 от 18 лет, можно без опыта
👉 работа с кассой
👉 мерчандайзинг

Пишите в ЛС или звоните 8-900-000-00-00
""",
    title="Продавец-консультант в магазин обуви",
    city="Санкт-Петербург",
    experience="noExperience",
    pay=(65_000, 85_000, "RUB", "MONTH", True),
    must=["работа с кассой", "мерчандайзинг"],
)

PRODUCT = Advert(
    "product",
    """\
Product Manager - Payments
Berlin, Germany (Hybrid)
Full-time · Mid-Senior level

About the company
Kassenwerk builds tills for bakeries. 80 people, 14 nationalities.

About the role
You own the checkout of eleven thousand bakeries.

Minimum qualifications
- 4 years of product management experience
- Experience with A/B testing
- SQL
- Fluency in English
Preferred qualifications
- German (B1 or higher)
- Knowledge of payment systems

Compensation: EUR 70,000-85,000 gross per year, plus equity.
""",
    title="Product Manager - Payments",
    city="Berlin",
    work_format="hybrid",
    employment="FULL_TIME",
    experience="between3And6",
    pay=(70_000, 85_000, "EUR", "YEAR", True),
    languages=[("English", "C1")],
    must=["A/B testing", "SQL"],
    nice=["German", "payment systems"],
)

DESIGNER = Advert(
    "constructor",
    """\
Инженер-конструктор
от 100 000 до 150 000 ₽ за месяц, на руки
Опыт работы: 3–6 лет
Полная занятость
График: 5/2
Рабочие часы: 8
Формат работы: на месте работодателя

АО «Уралстанкодеталь»
Челябинск, улица Труда, 11

Обязанности:
* Разработка конструкторской документации на узлы станков.
* Сопровождение изготовления опытных образцов.

Требования:
* Высшее техническое образование.
* Знание КОМПАС-3D или SolidWorks.
* Знание ЕСКД.
* Опыт расчётов на прочность будет плюсом.

Условия:
* Оформление по ТК РФ, белая зарплата два раза в месяц.
* Столовая на территории.

Ключевые навыки
КОМПАС-3D
SolidWorks
Черчение
""",
    title="Инженер-конструктор",
    city="Челябинск",
    work_format="on_site",
    employment="FULL_TIME",
    experience="between3And6",
    pay=(100_000, 150_000, "RUB", "MONTH", False),
    must=["Высшее техническое образование", "КОМПАС-3D", "SolidWorks", "ЕСКД", "Черчение"],
    nice=["расчётов на прочность"],
)

ADVISOR = Advert(
    "advisor",
    """\
Customer Service Advisor
Penrose Insurance - Norwich NR1
£24,000 - £26,500 a year - Permanent, Full-time

Job details
Pay: £24,000.00-£26,500.00 per year
Job Types: Full-time, Permanent
Shift and schedule: Monday to Friday

Full job description
You will answer calls and emails from people whose cars were hit by other cars.

What we're looking for:
- Clear telephone manner
- Complaint handling
- Microsoft Office

Benefits:
- Company pension
- Free parking

Experience:
- Customer service: 1 year (preferred)

Work Location: In person
""",
    title="Customer Service Advisor",
    city="Norwich",
    work_format="on_site",
    employment="FULL_TIME",
    experience="between1And3",
    pay=(24_000, 26_500, "GBP", "YEAR", True),
    must=["Clear telephone manner", "Complaint handling", "Microsoft Office"],
)

SISTER = Advert(
    "sister",
    """\
Городская больница № 4 г. Ижевска объявляет набор на должность:
Медицинская сестра палатная (терапевтическое отделение).

Требования к образованию: среднее профессиональное, действующая аккредитация.
Необходимые навыки: внутривенные инъекции, перевязки, ведение медицинской документации.
Стаж работы приветствуется, но не обязателен.

Оплата: 45–60 тыс. руб. в зависимости от категории, северных надбавок нет.
Режим работы сменный (сутки через трое), ставка полная, возможно совместительство.

Телефон отдела кадров: (3412) 00-00-00.
""",
    title="Медицинская сестра палатная (терапевтическое отделение)",
    city="Ижевск",
    employment="FULL_TIME",
    experience="noExperience",
    pay=(45_000, 60_000, "RUB", "MONTH", True),
    must=["внутривенные инъекции", "перевязки", "ведение медицинской документации"],
)

HYGIENIST = Advert(
    "hygienist",
    """\
Dental Hygienist — Austin, TX

Bright Mesa Dental is a two-doctor practice. We see families, and we run on time.

$45-$52/hr DOE | 4 days a week | 401(k), paid license renewal

You have:
• Texas RDH license
• CPR certification
• Digital x-rays, Dentrix
• 2+ yrs in private practice

Spanish a plus.
""",
    title="Dental Hygienist",
    city="Austin",
    experience="between1And3",
    pay=(45, 52, "USD", "HOUR", True),
    must=["Texas RDH license", "CPR certification", "Digital x-rays", "Dentrix"],
    nice=["Spanish"],
)

DEVOPS = Advert(
    "devops",
    """\
В команду платформы ищем DevOps-инженера.

Работаем из Минска или удалённо. $3500–4500 net, B2B-контракт.

Наш стек: Kubernetes, Helm, ArgoCD, AWS, Terraform

Будет здорово, если вы:
— 3+ года администрировали Linux;
— писали на Go или Python;
— говорите по-английски на уровне B2.

Чем займётесь: переносом сорока сервисов в Kubernetes.
""",
    title="DevOps-инженер",
    city="Минск",
    work_format="remote",
    employment="CONTRACTOR",
    experience="between3And6",
    pay=(3_500, 4_500, "USD", "MONTH", False),
    must=["Kubernetes", "Helm", "ArgoCD", "AWS", "Terraform"],
    nice=["Linux", "Go", "Python", "английский"],
)

LATER_1 = (STYLIST, SELLER, PRODUCT, DESIGNER, ADVISOR, SISTER, HYGIENIST, DEVOPS)
