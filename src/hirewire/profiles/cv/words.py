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
COMPANY = re.compile(
    r"[«»\"“”]|\b(?:ltd|llc|inc|gmbh|ag|ab|plc|corp|corporation|group|company|studio"
    r"|clinic|hospital"
    r"|bank|agency|labs?|university|school|holding|systems|solutions|logistics|foods|partners"
    r"|ооо|оао|зао|ао|пао|ип|гк|фгуп|мбоу|гбуз|компания|завод|агентство|банк|группа|холдинг|студия"
    r"|клиника|больница|университет|школа|фирма|торговый дом|институт|фабрика|магазин|центр)\b",
    re.IGNORECASE,
)
TITLE = re.compile(
    r"\b(?:manager|developer|engineer|designer|nurse|accountant|analyst|director|head"
    r"|lead|chief|senior"
    r"|junior|assistant|consultant|administrator|architect|officer|specialist|supervisor|technician"
    r"|teacher|driver|operator|programmer|tester|writer|editor|recruiter|intern|scientist|clerk"
    r"|secretary|cook|chef|coordinator|representative|marketer|lawyer|doctor|physician|mechanic"
    r"|электрик|менеджер\w*|разработчик\w*|инженер\w*|дизайнер\w*|бухгалтер\w*"
    r"|аналитик\w*|директор\w*"
    r"|руководител\w*|начальник\w*|специалист\w*|ведущ\w+|главн\w+|старш\w+|младш\w+|помощник\w*"
    r"|ассистент\w*|консультант\w*|администратор\w*|архитектор\w*|техник\w*|учител\w*"
    r"|преподавател\w*|водител\w*|оператор\w*|программист\w*|тестировщик\w*|редактор\w*"
    r"|копирайтер\w*"
    r"|маркетолог\w*|юрист\w*|врач\w*|медсестра|повар\w*|продавец\w*|кассир\w*|слесарь|мастер\w*"
    r"|стажёр\w*|стажер\w*|секретар\w*|рекрутер\w*|логист\w*|экономист\w*|кладовщик\w*)\b",
    re.IGNORECASE,
)
SCHOOL = re.compile(
    r"universit|college|school|institut|academy|polytechnic|университет|институт|академи|колледж"
    r"|училищ|школ|техникум|лицей|гимнази|\b\w*ГУ\b|\b\w*ТУ\b|МГИМО|ВШЭ|\bMIT\b",
    re.IGNORECASE,
)
LANGUAGES = re.compile(
    r"(?<!\w)(english|german|french|spanish|italian|portuguese|swedish|norwegian|danish"
    r"|finnish|dutch"
    r"|polish|czech|russian|ukrainian|belarusian|arabic|hebrew|turkish|chinese|mandarin|japanese"
    r"|korean|hindi|greek|romanian|hungarian|serbian|kazakh|georgian|armenian|tatar|irish"
    r"|английский|немецкий|французский|испанский|итальянский|португальский|шведский|норвежский"
    r"|датский|финский|нидерландский|польский|чешский|русский|украинский|белорусский|арабский"
    r"|иврит|турецкий|китайский|японский|корейский|хинди|греческий|румынский|венгерский|сербский"
    r"|казахский|грузинский|армянский|татарский|узбекский|башкирский)(?!\w)",
    re.IGNORECASE,
)
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
    r"|янв(?:ар[ьея])?|фев(?:рал[ьея])?|мар(?:та?)?|апр(?:ел[ьея])?|ма[йяе]|июн[ьея]?|июл[ьея]?"
    r"|авг(?:уста?)?|сен(?:т(?:ябр[ьея])?)?|окт(?:ябр[ьея])?|ноя(?:б(?:р[ьея])?)?|дек(?:абр[ьея])?)"
)
_YEAR = r"(?:19|20)[0-9]{2}"
DATE = (
    rf"(?:{_MONTH}\.?,?\s+{_YEAR}|(?:0?[1-9]|1[0-2])[./]{_YEAR}"
    rf"|{_YEAR}[./-](?:0[1-9]|1[0-2])|{_YEAR})"
)
NOW = (
    r"(?:present|now|current(?:ly)?|today|ongoing|till now|по наст(?:оящее|\.)? ?(?:время|вр\.?)?"
    r"|настоящее время|наст\. ?вр(?:емя|\.)|н\. ?в\.?|сейчас|сегодня|текущее время)"
)
PERIOD = re.compile(
    rf"(?<![\w/.])(?:с |from )?(?P<start>{DATE})(?:\s*г(?:ода|\.)?)?"
    rf"\s*(?:-|–|—|−|to|until|по|до)\s*(?P<end>{DATE}|{NOW})(?:\s*г(?:ода|\.)?)?(?!\w)",
    re.IGNORECASE,
)
YEAR = re.compile(rf"(?<![\w/.]){_YEAR}(?!\w)")
DURATION = re.compile(
    r"\(?\s*(?:[0-9]+\s*(?:years?|yrs?|months?|mos?|лет|года?|месяц[а-я]{0,3}|мес\.?)\s*)+\)?",
    re.IGNORECASE,
)
_OF_DATES = re.compile(
    rf"{DATE}|{NOW}|(?<!\w){_MONTH}(?!\w)|(?<!\w)(?:с|по|г|года?)(?!\w)\.?"
    r"|[0-9]+\s*(?:years?|months?|лет|года?|месяц[а-я]{0,3}|мес\.?)|[-–—]",
    re.IGNORECASE,
)


def is_of_dates(text: str) -> bool:
    """Whether there is nothing but dates and durations. A loop in a pattern could run away."""
    return not _OF_DATES.sub("", text).strip()
