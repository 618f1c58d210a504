"""Titles of the 91 ICT occupations in advertisements, in English and in Russian."""

import re
from dataclasses import dataclass
from functools import cache

from hirewire.esco import Occupation, occupations
from hirewire.tools.sample_data.phrases import lowered

TABLE = """
ICT security administrator|security|3|Information Security Administrator; IT Security Administrator|Администратор информационной безопасности; Администратор средств защиты информации
software analyst|analysis|6|Software Analyst; Requirements Analyst|Системный аналитик; Аналитик требований к ПО
performance video operator|video|1|Live Video Operator; Media Server Operator|Видеоинженер мероприятий; Оператор медиасервера
integration engineer|integration|4|Integration Engineer; API Integration Engineer|Инженер по интеграции; Разработчик интеграционных решений
search engine optimisation expert|seo|3|SEO Specialist; SEO Expert|SEO-специалист; SEO-оптимизатор
ICT test analyst|qa|4|Test Analyst; QA Analyst|Тест-аналитик; QA-аналитик
digital forensics expert|forensics|1|Digital Forensics Analyst; Digital Forensics Expert|Специалист по компьютерной криминалистике; Эксперт по цифровой криминалистике
ICT security engineer|security|5|Security Engineer; Application Security Engineer|Инженер по информационной безопасности; AppSec-инженер
sound operator|sound|1|Sound Operator; Live Sound Engineer|Звукооператор; Звукорежиссёр концертных программ
ICT disaster recovery analyst|resilience|1|Disaster Recovery Analyst; IT Continuity Analyst|Аналитик по аварийному восстановлению ИТ; Специалист по резервному копированию и восстановлению
embedded system designer|embedded|2|Embedded Systems Designer; Embedded Systems Engineer|Инженер-проектировщик встраиваемых систем; Схемотехник-разработчик встраиваемых систем
software tester|qa|7|Software Tester; Manual QA Engineer; QA Engineer|Тестировщик ПО; QA-инженер; Инженер по тестированию
ICT help desk manager|desk|2|!Help Desk Manager; !Service Desk Manager|!Руководитель службы технической поддержки; !Менеджер службы Service Desk
data warehouse designer|warehouse|3|Data Warehouse Engineer; DWH Developer; Data Engineer|DWH-разработчик; Инженер данных; Архитектор хранилища данных
computer vision engineer|vision|2|Computer Vision Engineer; Deep Learning Engineer (Computer Vision)|Инженер по компьютерному зрению; CV-инженер; Разработчик систем компьютерного зрения
embedded systems security engineer|firmsec|1|Embedded Security Engineer; IoT Security Engineer|Инженер по безопасности встраиваемых систем; Инженер по безопасности интернета вещей
green ICT consultant|green|1|Green IT Consultant; Sustainable IT Consultant|Консультант по устойчивому развитию ИТ; Консультант по энергоэффективности ИТ
sound mastering engineer|sound|1|Mastering Engineer; Audio Mastering Engineer|Мастеринг-инженер; Инженер по мастерингу звука
blockchain developer|blockchain|2|Blockchain Developer; Smart Contract Developer|Блокчейн-разработчик; Разработчик смарт-контрактов
data scientist|science|6|Data Scientist; Machine Learning Engineer; Applied Data Scientist|Data Scientist; ML-инженер; Специалист по машинному обучению
chief ICT security officer|secmanage|1|!Chief Information Security Officer; !CISO|!Директор по информационной безопасности; !CISO
enterprise architect|architecture|2|Enterprise Architect; IT Enterprise Architect|Корпоративный архитектор; Архитектор предприятия
mobile application developer|mobile|7|Android Developer=android; iOS Developer=ios; Flutter Developer=flutter; Mobile Developer|Android-разработчик=android; iOS-разработчик=ios; Flutter-разработчик=flutter; Разработчик мобильных приложений
digital games tester|gametest|2|Game Tester; Games QA Engineer|Тестировщик игр; QA-инженер (игры)
cloud engineer|cloud|6|Cloud Engineer; DevOps Engineer; Site Reliability Engineer|DevOps-инженер; Облачный инженер; SRE-инженер
ICT intelligent systems designer|science|2|AI Engineer; Intelligent Systems Engineer|Разработчик интеллектуальных систем; AI-инженер
sound editor|sound|1|Sound Editor; Audio Editor|Монтажёр звука; Звукорежиссёр монтажа
ICT change and configuration manager|change|2|!Change and Configuration Manager; !IT Change Manager; !Release Manager|!Менеджер по изменениям и конфигурациям; !Релиз-менеджер
database integrator|warehouse|2|Database Integration Engineer; ETL Developer|Инженер по интеграции баз данных; ETL-разработчик
ICT technician|fieldtech|4|IT Technician; IT Support Technician|Техник по обслуживанию ИТ-оборудования; Инженер по обслуживанию компьютерной техники
ICT capacity planner|capacity|1|IT Capacity Planner; Capacity Planning Engineer|Инженер по планированию мощностей; Специалист по планированию ИТ-ресурсов
ICT application configurator|configure|3|Application Configuration Specialist; CRM Configuration Specialist; ERP Configurator|Специалист по настройке приложений; Инженер по внедрению ПО; Специалист по внедрению CRM
performance rental technician|stage|1|AV Rental Technician; Event Equipment Technician|Техник по прокату сценического оборудования; Инженер прокатного оборудования
ICT business analysis manager|baManage|2|!Business Analysis Manager; !Head of Business Analysis|!Руководитель группы бизнес-анализа; !Руководитель отдела бизнес-анализа
boom operator|sound|1|Boom Operator; Production Sound Assistant|Микрофонный оператор; Ассистент звукорежиссёра на съёмочной площадке
ICT accessibility tester|access|1|Accessibility Tester; Accessibility QA Engineer|Тестировщик цифровой доступности; Специалист по цифровой доступности
ICT system tester|qa|3|System Test Engineer; QA Automation Engineer=auto|Инженер по системному тестированию; QA-автоматизатор=auto; Инженер по автоматизации тестирования=auto
embedded systems software developer|embedded|4|Embedded Software Developer; Firmware Engineer; Embedded C/C++ Developer|Разработчик встраиваемого ПО; Embedded-разработчик; Программист микроконтроллеров
aviation data communications manager|avia|1|!Aviation Data Communications Manager; !ATM Data Network Manager|!Руководитель службы авиационной передачи данных; !Начальник узла авиационной электросвязи
ICT usability tester|uxresearch|1|Usability Tester; Usability Specialist|Специалист по юзабилити-тестированию; Юзабилити-тестировщик
ICT network technician|network|4|Network Technician; Network Support Technician|Техник по обслуживанию сетей; Монтажник сетей связи
numerical tool and process control programmer|cnc|2|CNC Programmer; CAM Programmer|Программист станков с ЧПУ; Инженер-программист ЧПУ
ICT research consultant|research|1|IT Research Consultant; Technology Research Analyst|Консультант по ИТ-исследованиям; Аналитик ИТ-рынка
camera operator|camera|1|Camera Operator; Videographer|Видеооператор; Оператор телекамеры
data quality specialist|dataquality|2|Data Quality Specialist; Data Quality Analyst|Специалист по качеству данных; Аналитик качества данных
ICT integration tester|qa|2|Integration Test Engineer; API Test Engineer=auto|Инженер по интеграционному тестированию; Тестировщик API=auto
audio-visual technician|stage|2|Audio-Visual Technician; AV Technician|Техник аудио- и видеооборудования; Инженер мультимедийного оборудования
ICT auditor manager|auditManage|1|!IT Audit Manager; !Head of IT Audit|!Руководитель ИТ-аудита; !Начальник отдела ИТ-аудита
ethical hacker|pentest|3|Penetration Tester; Ethical Hacker; Offensive Security Engineer|Пентестер; Специалист по тестированию на проникновение
ICT security manager|secmanage|2|!Information Security Manager; !IT Security Manager|!Руководитель отдела информационной безопасности; !Менеджер по информационной безопасности
blockchain architect|blockchain|1|Blockchain Architect; Web3 Architect|Архитектор блокчейн-решений; Блокчейн-архитектор
sound designer|sound|2|Sound Designer; Theatre Sound Designer|Саунд-дизайнер; Звукорежиссёр-постановщик
knowledge engineer|knowledge|1|Knowledge Engineer; Ontology Engineer|Инженер по знаниям; Разработчик онтологий
ICT network administrator|network|4|Network Administrator; Network and Systems Administrator|Сетевой администратор; Администратор сети
user interface developer|web|5|Frontend Developer; UI Developer; React Developer=react|Frontend-разработчик; React-разработчик=react; Разработчик интерфейсов
database administrator|dba|5|Database Administrator; PostgreSQL DBA=postgres; Oracle DBA=oracle|Администратор баз данных; Администратор PostgreSQL=postgres; Администратор Oracle=oracle
database designer|dba|2|Database Designer; Data Modeller|Проектировщик баз данных; Разработчик моделей данных
user interface designer|design|5|UI Designer; Product Designer; UI/UX Designer|UI-дизайнер; Дизайнер интерфейсов; Продуктовый дизайнер; UX/UI-дизайнер
data centre operator|datacentre|2|Data Centre Operator; Data Centre Technician|Оператор центра обработки данных; Дежурный инженер ЦОД
system configurator|configure|2|System Configuration Engineer; Systems Configurator|Инженер по настройке систем; Инженер по конфигурированию оборудования
ICT system administrator|admin|7|System Administrator; Linux Administrator=linux; Windows Administrator=windows|Системный администратор; Администратор Linux=linux; Администратор Windows=windows
digital games developer|games|4|Game Developer; Unity Developer=unity; Unreal Engine Developer=unreal|Разработчик игр; Unity-разработчик=unity; Unreal-разработчик=unreal
ICT quality assurance manager|qamanage|2|!QA Manager; !Head of QA; !QA Lead|!Руководитель отдела тестирования; !Руководитель группы обеспечения качества
ICT security technician|security|2|Security Technician; SOC Analyst|Техник по защите информации; Аналитик SOC
video technician|video|1|Video Technician; Video Systems Engineer|Видеотехник; Видеоинженер
ICT system analyst|analysis|6|Systems Analyst; IT Systems Analyst|Системный аналитик; Аналитик информационных систем
web content manager|content|3|Web Content Manager; Website Content Editor|Контент-менеджер сайта; Контент-менеджер; Редактор сайта
ICT system developer|backend|6|Systems Developer; C++ Developer=cpp; Go Developer=go|Системный программист; Разработчик C++=cpp; Go-разработчик=go
ICT resilience manager|resManage|1|!IT Resilience Manager; !Business Continuity Manager|!Менеджер по непрерывности бизнеса; !Руководитель направления устойчивости ИТ
recording studio technician|sound|1|Recording Studio Technician; Studio Engineer|Техник студии звукозаписи; Инженер студии звукозаписи
ICT help desk agent|desk|6|Help Desk Specialist; Technical Support Specialist; Service Desk Agent|Специалист технической поддержки; Оператор службы поддержки; Инженер техподдержки
database developer|dbdev|4|Database Developer; SQL Developer; PL/SQL Developer=oracle|Разработчик баз данных; SQL-разработчик; Разработчик PL/SQL=oracle
ICT consultant|consult|3|IT Consultant; Technology Consultant|ИТ-консультант; Консультант по цифровой трансформации
industrial mobile devices software developer|industrial|1|Industrial Mobile Software Developer; Rugged Device Software Developer|Разработчик ПО для промышленных мобильных устройств; Разработчик ПО для терминалов сбора данных
ICT application developer|backend|8|Application Developer; Java Developer=java; .NET Developer=dotnet|Разработчик приложений; Java-разработчик=java; C#-разработчик=dotnet
ICT system integration consultant|integration|2|Systems Integration Consultant; Integration Consultant|Консультант по системной интеграции; Консультант по интеграции ИТ-систем
web developer|webdev|8|Web Developer; Full Stack Developer; PHP Developer=php; Node.js Developer=node|Веб-разработчик; Fullstack-разработчик; PHP-разработчик=php; Node.js-разработчик=node
IT auditor|audit|2|IT Auditor; Information Systems Auditor|ИТ-аудитор; Аудитор информационных систем
ICT network engineer|network|5|Network Engineer; IP Network Engineer|Сетевой инженер; Инженер сети передачи данных
software architect|architecture|4|Software Architect; Solution Architect|Архитектор программного обеспечения; Архитектор решений
data analyst|dataanalysis|7|Data Analyst; Product Analyst; BI Analyst|Аналитик данных; Продуктовый аналитик; BI-аналитик
telecommunications engineering technician|telecom|2|Telecommunications Technician; Telecom Engineering Technician|Техник связи; Инженер электросвязи
webmaster|webmaster|2|Webmaster; Website Administrator|Вебмастер; Администратор сайта
projectionist|cinema|1|Projectionist; Cinema Projection Technician|Киномеханик; Инженер кинопоказа
ICT network architect|network|2|Network Architect; Network Design Engineer|Сетевой архитектор; Инженер-проектировщик сетей
ICT system architect|architecture|2|Systems Architect; IT Systems Architect|Системный архитектор; Архитектор информационных систем
computer scientist|research|1|Computer Scientist; Research Scientist (Computer Science)|Научный сотрудник (информатика); Исследователь в области компьютерных наук
software developer|backend|10|Software Developer; Backend Developer; Python Developer=python; Java Developer=java|Программист; Backend-разработчик; Python-разработчик=python; Java-разработчик=java
user experience analyst|uxresearch|3|UX Researcher; User Experience Analyst|UX-исследователь; UX-аналитик
ICT business analyst|analysis|7|IT Business Analyst; Business Analyst|Бизнес-аналитик; Бизнес-аналитик ИТ
broadcast technician|broadcast|1|Broadcast Technician; Broadcast Engineer|Техник телерадиовещания; Инженер эфирной аппаратной
"""  # noqa: E501


@dataclass(frozen=True, slots=True)
class Title:
    """One way to name an occupation."""

    text: str
    stack: str | None
    """The stack of the trade that the title names."""
    graded: bool
    """Whether it can be combined with junior and senior."""

    @property
    def for_beginners(self) -> bool:
        """Whether a beginner can have it: no architects."""
        return not re.search("архитектор|architect", self.text, re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Job:
    """An occupation in the labour market."""

    occupation: Occupation
    trade: str
    weight: int
    """How often it is advertised, relative to the others."""
    english: tuple[Title, ...]
    russian: tuple[Title, ...]


@cache
def jobs() -> tuple[Job, ...]:
    """The occupations, in the order of the table."""
    known = {occupation.label: occupation for occupation in occupations()}
    made = []
    for line in TABLE.strip().splitlines():
        label, trade, weight, english, russian = line.split("|")
        made.append(
            Job(known[label], trade, int(weight), _titles(english), _titles(russian)),
        )
    return tuple(made)


def graded(title: Title, grade: str, *, russian: bool) -> str:
    """The title with its seniority: one of ``junior``, ``middle``, ``senior``, ``lead``.

    Russian titles that begin with a Latin word take the English words for seniority.
    """
    if not title.graded or (grade == "junior" and not title.for_beginners):
        return title.text
    if not russian:
        word = {"junior": "Junior", "middle": "Middle", "senior": "Senior", "lead": "Lead"}[grade]
        return title.text if grade == "middle" else f"{word} {title.text}"
    first = title.text.split()[0].split("-")[0]
    if first.isascii():
        return f"{grade.capitalize()} {title.text}"
    word = {"junior": "Младший", "middle": "", "senior": "Старший", "lead": "Ведущий"}[grade]
    return f"{word} {lowered(title.text)}" if word else title.text


def _titles(text: str) -> tuple[Title, ...]:
    found = []
    for part in text.split(";"):
        name, _, stack = part.strip().partition("=")
        found.append(Title(name.removeprefix("!"), stack or None, not name.startswith("!")))
    return tuple(found)
