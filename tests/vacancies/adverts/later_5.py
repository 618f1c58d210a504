"""Sixteen in prose, without headings or lists, written before the reader knew prose."""

from tests.vacancies.adverts.advert import Advert

# A post in a Telegram channel.
BEEKEEPER = Advert(
    "beekeeper",
    """\
Друзья, всем привет! Наша пасека под Уфой растёт, и нам срочно нужен пчеловод на сезон, с апреля по
сентябрь. Живём в посёлке, жильё даём, кормим три раза в день.

Платим 70 тысяч в месяц на руки плюс мёд. От вас ждём опыт работы с пчёлами хотя бы год, умение
держать в руках молоток и права категории B. Хорошо, если умеете водить трактор.

Пишите @paseka_ufa, расскажу всё подробно 🐝
""",
    title="Пчеловод",
    city="Уфа",
    employment="TEMPORARY",
    experience="between1And3",
    pay=(70_000, None, "RUB", "MONTH", False),
    must=["права категории B"],
    nice=["умеете водить трактор"],
)

# An e-mail that was passed on.
ESTIMATOR = Advert(
    "estimator",
    """\
Коллеги, добрый день!

Наши партнёры из строительной компании «Гранит-Юг» просят помочь с подбором инженера-сметчика в
офис в Краснодаре. Оклад от 110 до 140 тысяч рублей до вычета налогов, оформление по трудовому
договору с первого дня, пятидневка.

Кандидат должен уверенно работать в Гранд-Смете и AutoCAD, знать ценообразование в строительстве и
иметь опыт от трёх лет. Высшее строительное образование обязательно. Знание BIM приветствуется.

Резюме можно направлять ответным письмом.

С уважением,
Ольга
""",
    title="Инженер-сметчик",
    city="Краснодар",
    work_format="on_site",
    experience="between3And6",
    pay=(110_000, 140_000, "RUB", "MONTH", True),
    must=[
        *("Гранд-Смета", "AutoCAD", "ценообразование в строительстве"),
        "Высшее строительное образование",
    ],
    nice=["BIM"],
)

# A notice on a door.
SELLER = Advert(
    "seller",
    """\
В магазин «Овощи у дома» требуется продавец. Без вредных привычек, с медкнижкой. Можно без опыта,
научим. График два через два, 2500 рублей за смену, выплата каждый день. Тула, ул. Кирова, 12.
Спросить Наталью Ивановну или позвонить 8-900-000-00-00.
""",
    title="Продавец",
    city="Тула",
    experience="noExperience",
    pay=(2_500, None, "RUB", "DAY", True),
    must=["медкнижка"],
)

# An agency that chats.
ANALYST = Advert(
    "analyst",
    """\
Ищете, где ваши дашборды наконец-то кто-нибудь откроет? Тогда вам к нам!

Мы, кадровое агентство «Вектор», подбираем продуктового аналитика для сервиса доставки. Команда
сидит в Новосибирске, но можно работать полностью удалённо. Вилка 180–230 тысяч рублей на руки.

Вам понадобятся уверенный SQL, Python и понимание A/B-тестов, а ещё опыт в аналитике от двух лет.
Если вы работали с ClickHouse или строили отчёты в Tableau, будет просто отлично. Английский нужен
на уровне B1, чтобы читать документацию.

Откликайтесь, ответим всем!
""",
    title="Продуктовый аналитик",
    city="Новосибирск",
    work_format="remote",
    experience="between1And3",
    pay=(180_000, 230_000, "RUB", "MONTH", False),
    languages=[("Английский", "B1")],
    must=["SQL", "Python", "A/B-тесты"],
    nice=["ClickHouse", "Tableau"],
)

# A factory's notice on its site, in officialese.
WELDER = Advert(
    "welder",
    """\
Машиностроительный завод приглашает на постоянную работу электрогазосварщика. Предприятие находится
в Нижнем Тагиле, иногородним предоставляется общежитие. Заработная плата сдельная, от 95 000
рублей.

Необходимы навыки полуавтоматической и аргонодуговой сварки, чтение чертежей, действующее
удостоверение НАКС. Стаж по профессии не менее 3 лет. Допуск к работе на высоте будет
преимуществом.

Обращаться в отдел кадров по будням с 8 до 16 часов.
""",
    title="Электрогазосварщик",
    city="Нижний Тагил",
    experience="between3And6",
    pay=(95_000, None, "RUB", "MONTH", True),
    must=[
        *("полуавтоматическая сварка", "аргонодуговая сварка", "чтение чертежей"),
        "удостоверение НАКС",
    ],
    nice=["Допуск к работе на высоте"],
)

# A private person in a local group.
NANNY = Advert(
    "nanny",
    """\
Девочки, ищем няню для двоих детей (3 и 6 лет) в Казани, район Горки. Занятость неполная, с 15 до
20 по будням. Платим 400 рублей в час. Нам важно, чтобы вы имели педагогическое образование,
рекомендации и опыт работы с детьми от 5 лет. Плюсом будет знание татарского языка и умение
плавать.
""",
    title="Няня для двоих детей",
    city="Казань",
    employment="PART_TIME",
    experience="between3And6",
    pay=(400, None, "RUB", "HOUR", True),
    must=["педагогическое образование", "рекомендации"],
    nice=["татарский", "умение плавать"],
)

# A post by a team lead.
IOS = Advert(
    "ios",
    """\
Всем хай, это снова Артём из «Полки». Мы делаем приложение для книжных клубов, и нам не хватает
второго iOS-разработчика. Пишем на Swift и SwiftUI, CI на GitLab, ревью в тот же день.

Хочется, чтобы за плечами было года три коммерческой разработки, чтобы вы знали Core Data и не
боялись UIKit. Круто, если трогали Kotlin. Офис в Петербурге, два дня в неделю дома. Денег 250-320к
net.
""",
    title="iOS-разработчик",
    city="Санкт-Петербург",
    work_format="hybrid",
    experience="between3And6",
    pay=(250_000, 320_000, "RUB", "MONTH", False),
    must=["Swift", "SwiftUI", "GitLab", "Core Data", "UIKit"],
    nice=["Kotlin"],
)

# A clinic, in three sentences.
DENTIST = Advert(
    "dentist",
    """\
Стоматология «Белый слон» (Воронеж) приглашает на работу врача-стоматолога-терапевта. Требуется
действующая аккредитация, владение коффердамом и микроскопом, опыт работы от 3 лет; желательно
умение работать с детьми. Доход 150 000 – 300 000 рублей в месяц, полная занятость, смены 5/2.
""",
    title="Врач-стоматолог-терапевт",
    city="Воронеж",
    employment="FULL_TIME",
    experience="between3And6",
    pay=(150_000, 300_000, "RUB", "MONTH", True),
    must=["действующая аккредитация", "коффердам", "микроскоп"],
    nice=["умение работать с детьми"],
)

# A bakery's newsletter.
BAKER = Advert(
    "baker",
    """\
Leeds-based sourdough bakery Crumb & Daughter seeks a night baker. You will work four nights a
week, part time, and go home before the buses fill. We pay £13.80 an hour.

We're looking for someone with at least a year in a commercial bakery who knows laminated dough and
can lift 25 kg sacks. You'll need a level 2 food hygiene certificate. Bread scoring would be a
lovely extra.
""",
    title="Night baker",
    city="Leeds",
    employment="PART_TIME",
    experience="between1And3",
    pay=(14, None, "GBP", "HOUR", True),
    must=["laminated dough", "level 2 food hygiene certificate"],
    nice=["Bread scoring"],
)

# An e-mail from a recruiter.
SRE = Advert(
    "sre",
    """\
Hi there,

Hope you're well! I'm reaching out because my client, a payments start-up in Dublin, is hiring a
Site Reliability Engineer. It's a permanent, hybrid role (two days in the office) paying €85,000 to
€105,000.

They need someone with 5+ years of experience, strong Linux and Kubernetes skills, and hands-on
experience with Terraform and Prometheus. Some Go would be nice to have. German is a plus but not
required.

Worth a quick call this week?

Best,
Maeve
""",
    title="Site Reliability Engineer",
    city="Dublin",
    work_format="hybrid",
    experience="between3And6",
    pay=(85_000, 105_000, "EUR", "YEAR", True),
    must=["Linux", "Kubernetes", "Terraform", "Prometheus"],
    nice=["Go", "German"],
)

# A notice on a door.
BARBER = Advert(
    "barber",
    """\
BARBER WANTED. Busy shop in Glasgow, walk-ins and regulars. Must be confident with skin fades,
beard trims and hot towel shaves. Minimum 2 years' experience. Full time, £450 a week basic plus
tips. Ask for Hamid inside.
""",
    title="Barber",
    city="Glasgow",
    employment="FULL_TIME",
    experience="between1And3",
    pay=(450, None, "GBP", "WEEK", True),
    must=["skin fades", "beard trims", "hot towel shaves"],
)

# A charity that tells its story.
FUNDRAISER = Advert(
    "fundraiser",
    """\
Harbour Light has kept a lifeboat afloat since 1871, and we'd like to keep it afloat for another
century. That's why we are recruiting a fundraising manager to join our small team in Plymouth.

You should have experience of major donor fundraising, budget management and a CRM such as Raiser's
Edge, and you must hold a full driving licence. Three years in a similar role is essential.
Knowledge of Gift Aid is desirable. The salary is £36,000 to £40,000 a year, and the post is full
time. You can work from home on Fridays.
""",
    title="Fundraising manager",
    city="Plymouth",
    work_format="hybrid",
    employment="FULL_TIME",
    experience="between3And6",
    pay=(36_000, 40_000, "GBP", "YEAR", True),
    must=[
        *("major donor fundraising", "budget management", "Raiser's Edge"),
        "full driving licence",
    ],
    nice=["Gift Aid"],
)

# A post on a forum.
REACT = Advert(
    "react",
    """\
Hey folks, we're Tidepool, twelve people building maps for kite surfers, and we want to hire a
senior frontend developer (fully remote, anywhere in Europe). You'd be writing TypeScript and React
every day, with a bit of WebGL. Ideally you have 4 years under your belt and have shipped something
with Mapbox. You need to speak fluent English. Pay is 60-75k EUR gross per year, contractors
welcome. DM me!
""",
    title="Senior frontend developer",
    work_format="remote",
    experience="between3And6",
    pay=(60_000, 75_000, "EUR", "YEAR", True),
    languages=[("English", "C1")],
    must=["TypeScript", "React", "WebGL"],
    nice=["Mapbox"],
)

# A farm, in a local paper.
HERDSPERSON = Advert(
    "herdsperson",
    """\
An experienced herdsperson is required for a 250-cow dairy farm near Carlisle. The successful
applicant will be able to milk, calve and foot trim, and will hold a tractor licence and a first
aid certificate. Knowledge of DairyComp preferred. Accommodation available. Salary £32,000 per
annum depending on experience. Apply in writing to Low Fell Farm.
""",
    title="Herdsperson",
    city="Carlisle",
    pay=(32_000, None, "GBP", "YEAR", True),
    must=["milk", "calve", "foot trim", "tractor licence", "first aid certificate"],
    nice=["DairyComp"],
)

# A nursing home in North America.
AIDE = Advert(
    "aide",
    """\
Maple Court, a 60-bed care home in Columbus, Ohio, has an opening for a Certified Nursing
Assistant. Pay starts at $19 per hour with a shift differential for nights. Applicants must be CPR
certified, have a valid CNA license and be comfortable with Hoyer lifts. No experience necessary:
we train new graduates. Spanish speakers are encouraged to apply. This is a full-time position.
""",
    title="Certified Nursing Assistant",
    city="Columbus",
    employment="FULL_TIME",
    experience="noExperience",
    pay=(19, None, "USD", "HOUR", True),
    must=["CPR certified", "CNA license", "Hoyer lifts"],
    nice=["Spanish"],
)

# An agency that chats.
BOOKKEEPER = Advert(
    "bookkeeper",
    """\
Love numbers? Hate commuting? Then read on! Our client, a friendly architects' practice, is after a
part-time bookkeeper who can work from home, with one trip a month to their studio in Bristol.

You'll be great at this if you know Xero inside out, have done payroll and VAT returns before, and
can explain them to people who draw for a living. An AAT qualification is a must; Dext is handy but
not essential. Two to three years of bookkeeping experience, please. £16 to £18 per hour.
""",
    title="Bookkeeper",
    city="Bristol",
    work_format="remote",
    employment="PART_TIME",
    experience="between1And3",
    pay=(16, 18, "GBP", "HOUR", True),
    must=["Xero", "payroll", "VAT returns", "AAT qualification"],
    nice=["Dext"],
)

LATER_5 = (
    *(BEEKEEPER, ESTIMATOR, SELLER, ANALYST, WELDER, NANNY, IOS, DENTIST),
    *(BAKER, SRE, BARBER, FUNDRAISER, REACT, HERDSPERSON, AIDE, BOOKKEEPER),
)
