"""The words by which a job title and the name of a company are known."""

import re

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


def likes(text: str) -> int:
    """Above zero, it reads as a title; below, as a company."""
    return bool(TITLE.search(text)) - bool(COMPANY.search(text))
