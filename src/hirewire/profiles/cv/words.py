"""The words that CVs are read by, in English and in Russian."""

import re

SECTIONS = {
    "experience": (
        "experience|work experience|professional experience|employment|employment history"
        "|work history"
        "|career|career history|опыт работы|опыт|профессиональный опыт|трудовая деятельность"
        "|трудовой опыт|места работы|карьера"
    ),
    "education": (
        "education|education and training|academic background|studies|образование"
        "|высшее образование|учёба|учеба"
    ),
    "skills": (
        "skills|top skills|key skills|core skills|technical skills|professional skills|technologies"
        "|competencies|навыки|ключевые навыки|основные навыки|профессиональные навыки|умения"
        "|технологии|компетенции|стек"
    ),
    "languages": "languages|language skills|foreign languages|языки|знание языков|владение языками"
    "|иностранные языки",
    "summary": (
        "summary|profile|about|about me|professional summary|objective|о себе|обо мне"
        "|общие сведения"
        "|дополнительная информация|профиль|цель"
    ),
    "contact": "contact|contacts|contact details|contact information|personal details|контакты"
    "|контактная информация|контактные данные|личные данные",
    "desired": "desired position and salary|desired position|желаемая должность и зарплата"
    "|желаемая должность",
    "certificates": (
        "certificates|certifications|licenses and certifications|licenses & certifications|courses"
        "|сертификаты|сертификация|курсы|повышение квалификации, курсы|повышение квалификации"
    ),
    "other": (
        "projects|publications|interests|hobbies|references|awards|honors-awards|volunteering"
        "|проекты|публикации|интересы|хобби|рекомендации|награды|skills and languages"
        "|driving experience"
        "|опыт вождения|портфолио|portfolio|links|ссылки"
    ),
}
SECTION_OF = {name: key for key, names in SECTIONS.items() for name in names.split("|")}
LABELS = {
    "name": "name|full name|имя|фио|ф. и. о.|ф.и.о.",
    "label": "desired position|position sought|желаемая должность|должность мечты|цель",
    "city": "city|location|address|residence|reside in|lives in|город|проживает|место жительства"
    "|адрес|город проживания",
    "company": "company|employer|organisation|organization|компания|организация|место работы"
    "|работодатель",
    "position": "position|role|job title|title|должность|позиция",
    "period": "period|dates|период|период работы|даты|время работы",
}
LABEL_OF = {name: key for key, names in LABELS.items() for name in names.split("|")}
SCHOOL = re.compile(
    r"universit|college|school|institut|academy|polytechnic|университет|институт|академи|колледж"
    r"|училищ|школ|техникум|лицей|гимнази|\b\w*ГУ\b|\b\w*ТУ\b|МГИМО|ВШЭ|\bMIT\b",
    re.IGNORECASE,
)
