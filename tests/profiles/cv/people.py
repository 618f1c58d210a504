"""The people whose CVs the tests read. They and their companies are invented."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Job:
    title: str
    company: str
    start: str
    end: str
    did: tuple[str, ...]
    place: str = ""


@dataclass(frozen=True)
class Person:
    lang: str
    name: str
    title: str
    email: str
    phone: str
    city: str
    link: str
    about: str
    jobs: tuple[Job, ...]
    school: str
    degree: str
    years: tuple[str, str]
    languages: tuple[tuple[str, str], ...]
    skills: tuple[str, ...]


ANNA = Person(
    "en",
    "Anna Whitfield",
    "Senior Backend Developer",
    "anna.whitfield@example.org",
    "+44 20 7946 0018",
    "London",
    "github.com/annawhitfield",
    "Backend developer who likes calm systems and short meetings.",
    (
        Job(
            "Senior Backend Developer",
            "Copperline Ltd",
            "2019-03",
            "",
            ("Split a billing system into four services.", "Led a team of five developers."),
            "London",
        ),
        Job(
            "Software Engineer",
            "Northwind Parcel Group",
            "2015-06",
            "2019-02",
            ("Wrote the tracking of parcels in Python.",),
            "Leeds",
        ),
    ),
    "University of Leeds",
    "BSc Computer Science",
    ("2011", "2015"),
    (("English", "Native"), ("German", "B2")),
    ("Python", "PostgreSQL", "Docker", "RabbitMQ", "Kubernetes"),
)
MARTA = Person(
    "en",
    "Marta Lindqvist",
    "Product Designer",
    "marta@lindqvist.example",
    "+46 8 123 456 78",
    "Stockholm",
    "linkedin.com/in/martalindqvist",
    "Designer of tools for people who work with their hands.",
    (
        Job(
            "Lead Product Designer",
            "Fjordlight AB",
            "2021-01",
            "",
            ("Own the design system.",),
            "Stockholm",
        ),
        Job(
            "UX Designer",
            "Brightharbor Studio",
            "2018-09",
            "2020-12",
            ("Ran interviews with two hundred nurses.", "Drew the first mobile app."),
            "Malmö",
        ),
        Job("Graphic Designer", "Paper & Kite", "2016-02", "2018-08", ("Made posters.",), "Malmö"),
    ),
    "Lund University",
    "MA Interaction Design",
    ("2013", "2016"),
    (("Swedish", "Native"), ("English", "C1")),
    ("Figma", "User research", "Prototyping", "Adobe Illustrator"),
)
OMAR = Person(
    "en",
    "Omar Haddad",
    "Accountant",
    "omar.haddad@example.net",
    "(020) 555-0142",
    "Manchester",
    "linkedin.com/in/omarhaddad",
    "Careful with numbers, friendly with people.",
    (
        Job(
            "Chief Accountant",
            "Millbrook Foods",
            "2020-05",
            "",
            ("Close the month in three days.",),
            "Manchester",
        ),
        Job(
            "Accountant",
            "Oakfield Logistics LLC",
            "2014-11",
            "2020-04",
            ("Kept the accounts of three branches.", "Prepared tax returns."),
            "Bolton",
        ),
    ),
    "Manchester Business School",
    "Bachelor of Accounting",
    ("2010", "2014"),
    (("English", "Fluent"), ("Arabic", "Native")),
    ("Accounting", "Microsoft Excel", "SAP ERP", "Tax returns"),
)
GRACE = Person(
    "en",
    "Grace O'Neill",
    "Registered Nurse",
    "grace.oneill@example.com",
    "+353 1 555 0199",
    "Dublin",
    "graceoneill.example.com",
    "Ten years at the bedside, still glad of every shift.",
    (
        Job(
            "Head Nurse",
            "Saint Brigid Clinic",
            "2017-08",
            "2023-10",
            ("Planned the shifts of thirty nurses.",),
            "Dublin",
        ),
        Job(
            "Staff Nurse",
            "Riverside Hospital",
            "2012-04",
            "2017-07",
            ("Cared for patients.",),
            "Cork",
        ),
    ),
    "Trinity School of Nursing",
    "BSc Nursing",
    ("2008", "2012"),
    (("English", "Native"), ("French", "A2")),
    ("Patient care", "First aid", "Triage", "Team leadership"),
)
TOM = Person(
    "en",
    "Thomas Becker",
    "Logistics Manager",
    "t.becker@example.org",
    "+49 30 901820",
    "Berlin",
    "linkedin.com/in/tbecker",
    "Moves things on time.",
    (
        Job(
            "Logistics Manager",
            "Spreewerk GmbH",
            "2018-01",
            "2022-06",
            ("Cut the costs of freight by a tenth.",),
            "Berlin",
        ),
        Job(
            "Warehouse Supervisor",
            "Kastanie Handel",
            "2013-03",
            "2017-12",
            ("Ran two shifts.",),
            "Potsdam",
        ),
    ),
    "Technical University of Berlin",
    "Diploma in Logistics",
    ("2007", "2012"),
    (("German", "Native"), ("English", "B2"), ("Polish", "A1")),
    ("Supply chain management", "SAP", "Forklift", "Negotiation"),
)
IRINA = Person(
    "ru",
    "Соколова Ирина Павловна",
    "Бухгалтер",
    "irina.sokolova@example.ru",
    "+7 (912) 345-67-89",
    "Екатеринбург",
    "t.me/irinasokolova",
    "Веду учёт аккуратно и спокойно.",
    (
        Job(
            "Главный бухгалтер",
            "ООО «Ромашковый край»",
            "2019-03",
            "",
            ("Сдаю отчётность в срок.", "Перевела учёт в 1С."),
            "Екатеринбург",
        ),
        Job(
            "Бухгалтер",
            "АО «Медный всадник»",
            "2014-07",
            "2019-02",
            ("Вела расчёты с поставщиками.",),
            "Пермь",
        ),
    ),
    "Уральский экономический университет",
    "Бухгалтерский учёт",
    ("2009", "2014"),
    (("Русский", "Родной"), ("Английский", "B1")),
    ("1С:Бухгалтерия", "Налоговый учёт", "Microsoft Excel", "Составление отчётности"),
)
PAVEL = Person(
    "ru",
    "Павел Громов",
    "Ведущий разработчик",
    "gromov@example.ru",
    "8 (495) 123-45-67",
    "Москва",
    "github.com/pgromov",
    "Пишу надёжные сервисы и понятную документацию.",
    (
        Job(
            "Ведущий разработчик",
            "Северный ветер",
            "2020-01",
            "",
            ("Руковожу командой из шести человек.",),
            "Москва",
        ),
        Job(
            "Python-разработчик",
            "ООО «Лаборатория тишины»",
            "2016-09",
            "2019-12",
            ("Разработал сервис уведомлений.", "Настроил сборку."),
            "Москва",
        ),
    ),
    "МГТУ им. Н. Э. Баумана",
    "Информатика и вычислительная техника",
    ("2010", "2016"),
    (("Русский", "Родной"), ("Английский", "B2")),
    ("Python", "PostgreSQL", "Docker", "Linux", "Git"),
)
OLGA = Person(
    "ru",
    "Ольга Миронова",
    "Менеджер по продажам",
    "o.mironova@example.com",
    "+7 921 555-01-02",
    "Санкт-Петербург",
    "vk.com/omironova",
    "Умею слушать клиентов.",
    (
        Job(
            "Руководитель отдела продаж",
            "Компания «Белый парус»",
            "2018-05",
            "2023-08",
            ("Увеличила продажи вдвое.",),
            "Санкт-Петербург",
        ),
        Job(
            "Менеджер по продажам",
            "ЗАО «Невские двери»",
            "2013-02",
            "2018-04",
            ("Вела переговоры с клиентами.",),
            "Санкт-Петербург",
        ),
    ),
    "СПбГУ",
    "Менеджмент",
    ("2008", "2013"),
    (("Русский", "Родной"), ("Немецкий", "A2")),
    ("Продажи", "Ведение переговоров", "CRM", "Работа с клиентами"),
)
DENIS = Person(
    "ru",
    "Кузнецов Денис",
    "Инженер-конструктор",
    "d.kuznetsov@example.ru",
    "+7-903-555-11-22",
    "Казань",
    "github.com/dkuz",
    "Проектирую узлы, которые можно собрать.",
    (
        Job(
            "Инженер-конструктор",
            "Завод «Волжский привод»",
            "2017-10",
            "",
            ("Спроектировал редуктор.",),
            "Казань",
        ),
        Job("Техник", "ИП Сафин", "2015-01", "2017-09", ("Готовил чертежи.",), "Казань"),
    ),
    "Казанский технический университет",
    "Машиностроение",
    ("2010", "2015"),
    (("Русский", "Родной"), ("Татарский", "C1")),
    ("AutoCAD", "SolidWorks", "Чтение чертежей", "Компас-3D"),
)
ALINA = Person(
    "ru", "Алина Фёдорова", "Маркетолог", "alina.f@example.ru", "+7 (383) 555-77-00",
    "Новосибирск", "t.me/alinaf", "Люблю цифры и понятные тексты.",
    (
        Job("Маркетолог", "ООО «Сибирские травы»", "2021-04", "",
            ("Запустила три рекламные кампании.",), "Новосибирск"),
        Job("Копирайтер", "Агентство «Точка»", "2018-06", "2021-03", ("Писала тексты.",), "Томск"),
    ),
    "Томский государственный университет", "Журналистика", ("2014", "2018"),
    (("Русский", "Родной"), ("Английский", "C1")),
    ("Контент-маркетинг", "SEO", "Копирайтинг", "Google Analytics"),
)  # fmt: skip
