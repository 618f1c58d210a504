"""The words by which an advert is read, in English and in Russian.

Texts are compared in lower case, with `е` for `ё` and a straight apostrophe.
"""

import re


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile(rf"(?:{'|'.join(patterns)})")


def _inside(*patterns: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{'|'.join(patterns)})(?!\w)")


HEADINGS = {
    "nice": _any(
        r"(?:nice|good|great|useful) to have|bonus(?:es)?(?: points?| skills?)?|(?:a )?plus(?:es)?",
        r"advantages?|(?:would be |will be )?an advantage|desirable(?: skills?)?|assets?|an asset",
        r"preferred(?: qualifications?| skills?| experience)?|extra credit|optional",
        r"(?:it )?(?:would|will) be (?:a plus|great|nice|good|an (?:advantage|asset))"
        r"(?: if .{0,40})?",
        r"ideally(?:,? you .{0,30})?|even better(?: if .{0,40})?",
        r"(?:что )?(?:будет |станет )?(?:большим |вашим )?(?:плюсом|преимуществом)"
        r"(?: будет| станет)?",
        r"(?:большой )?плюсы?|желательно|приветствуется|преимущества|необязательно",
        r"дополнительным (?:плюсом|преимуществом)(?: будет| станет)?|хорошо,? если.{0,30}",
        r"(?:будет )?(?:здорово|круто|отлично|супер),? если.{0,30}|пожелания",
    ),
    "must": _any(
        r"(?:key |minimum |main |job )?(?:requirements?|qualifications?)|essentials?",
        r"(?:required|key|core|necessary) (?:skills?|experience)|must[- ]haves?|skills?",
        r"skills (?:you(?:'ll)? need|required|needed|and experience)|skills & experience",
        r"(?:what )?you(?:'ll| will)? (?:need|bring|have|should have)(?: to have)?",
        r"what you(?:'ll| will)? (?:need|bring|have).{0,20}|what we(?:'re| are) looking for",
        r"we(?:'re| are) looking for|who (?:you are|we(?:'re| are) looking for)",
        r"your (?:profile|skills)",
        r"about you|what we (?:expect|need|ask)(?: from you)?|(?:the )?ideal candidate|you are|you",
        r"(?:наши |основные |обязательные )?требования(?: к кандидату)?|требуется|необходимо",
        r"(?:что |нам |нам важно |вам )?(?:нужно|понадобится)|что нам нужно|обязательно",
        r"квалификация",
        r"(?:мы |что мы )?(?:ждем|ожидаем|хотим видеть)(?: от (?:вас|кандидата|тебя))?",
        r"(?:наши )?ожидания",
        r"(?:нам |для нас |что (?:для нас |нам )?)важн[оы]|от вас|от кандидата|ваш профиль",
        r"(?:ключевые |необходимые |профессиональные )?навыки|кого (?:мы )?ищем|мы ищем|стек",
        r"наш стек",
        r"вы нам подходите,? если.{0,20}|вы подойдете,? если.{0,20}",
        r"что (?:нужно|надо) (?:уметь|знать)",
    ),
    "tasks": _any(
        r"(?:key |main |your )?(?:responsibilities|duties|tasks|role)",
        r"(?:the|about the) (?:role|job|position)",
        r"(?:what )?you(?:'ll| will)(?: do| be doing| be responsible for)?|what you do",
        r"job description",
        r"(?:a )?(?:typical day|day in the life|day to day)|the work",
        r"(?:должностные |основные |ваши |твои )?(?:обязанности|задачи)|функционал",
        r"о (?:работе|вакансии)",
        r"(?:что|чем)?(?: вам| предстоит| нужно| надо| будете| ты будешь){0,2} ?"
        r"(?:делать|заниматься)",
        r"(?:вам |что )?предстоит|в обязанности входит|описание вакансии",
    ),
    "offer": _any(
        r"(?:what )?(?:we|is|are)(?: on)? offer(?:ed)?|(?:our )?(?:offer|benefits|perks)",
        r"why (?:us|join us)",
        r"(?:what )?(?:you(?:'ll)? get|is in it for you)|conditions|package",
        r"(?:наши )?условия(?: работы)?|(?:что )?(?:мы )?предлагаем|(?:наши )?(?:бонусы|плюшки)",
        r"почему (?:мы|у нас хорошо)|что (?:вы получите|вас ждет|взамен)|мы гарантируем",
    ),
    "about": _any(
        r"about (?:us|the company|our company)|who we are|(?:our|the) (?:company|team)",
        r"о (?:компании|нас|проекте|команде)|кто мы|наша команда|проект",
    ),
    "end": _any(
        r"how to apply|to apply|apply|contacts?|(?:как )?(?:откликнуться|связаться)|контакты",
        r"отклик",
    ),
}
"""What stands over the parts of an advert, as a whole line or before a colon."""

HINTS = {
    "other": re.compile(r"(?<!\w)(?:not asking|don't need|не (?:нужн|ищем|требуе))"),
    "nice": re.compile(
        r"(?<!\w)(?:nice|bonus|pluses|(?:a|big) plus|helpful|preferred|desirable|not essential"
        r"|ideally|preferably|would help|круто|advantage|asset|extra|плюс\w{0,2}|желательно"
        r"|приветству|преимуществ"
        r"|не обязательн|рады"
        r"|пожелания|здорово|бонус(?:ом)?(?!\w))"
    ),
    "offer": re.compile(
        r"(?<!\w)(?:offer|benefit|perks|we give|you(?:'ll)? get|услови|предлага|(?:мы|что) даем"
        r"|вы получ|получите|платим)"
    ),
    "tasks": re.compile(
        r"(?<!\w)(?:you(?:'ll| will)? (?:do|be doing|work on)|responsib|duties|tasks|day to day"
        r"|обязанност|задач|делать|занима|предстоит|делаем)"
    ),
    "must": re.compile(
        r"(?<!\w)(?:requirement|qualification|required|need|should|bring|must|essential|expect"
        r"|looking for|you(?:'ll)? have|you are|the person|a fit(?!\w)|candidate|profile"
        r"|specification|skills|требовани|требуе|нуж"
        r"|ждем|ожида|подход|ищем|умее|знае|навык|важн|необходим|от вас|от кандидат|кандидат)"
    ),
}
"""What a heading says that is none of those above; the first counts."""
LABELS = {
    "title": _any(
        r"(?:job |position |role )?title|(?:open )?position|role|vacancy|job",
        r"(?:открытая )?вакансия|должность|позиция|профессия",
    ),
    "city": _any(
        r"(?:job |work )?location|where|city|place|office|based in|address",
        r"(?:наш )?город|локация|место(?: работы)?|адрес(?: работы| офиса)?|офис|регион",
        r"местоположение",
    ),
    "format": _any(
        r"(?:work|working) (?:format|mode|type)|workplace(?: type)?",
        r"формат(?: работы)?|место работы",
    ),
    "employment": _any(
        r"(?:employment|job|work|contract|position)(?: type)?",
        r"type(?: of (?:employment|contract))?|hours",
        r"schedule|(?:тип |вид |форма )?занятост[ьи]|график(?: работы)?|оформление",
    ),
    "experience": _any(
        r"(?:work |required |minimum )?experience(?: required| level)?",
        r"(?:требуемый )?(?:опыт|стаж)(?: работы)?",
    ),
    "pay": _any(
        r"(?:base |annual |starting )?(?:salary|pay|wages?|compensation|remuneration|rate)"
        r"(?: range)?",
        r"hourly rate|pay rate",
        r"(?:заработная плата|зарплата|з/?п|зарплатная вилка|вилка|оклад|доход)",
        r"(?:уровень дохода|оплата(?: труда)?|ставка|оплата)",
    ),
    "company": _any(
        r"company|employer|school|client|organi[sz]ation|start(?: date)?|reports to|department",
        r"компания|работодатель|организация|отдел|заказчик",
    ),
}
"""What stands before a colon and names the one fact behind it."""

REMOTE = _inside(
    r"remote(?:ly)?|work(?:ing)? from home|home[- ]?office|wfh|anywhere",
    r"удаленн\w{1,4}|удаленк\w{1,3}|дистанционн\w{1,4}|из дома",
)
NOT_REMOTE = _inside(
    r"remote(?: work)?: no|удаленка: нет|удаленная работа: нет",
    r"(?:no|not|not a|without) (?:fully )?remote\w{0,2}(?: work)?",
    r"без удален\w{1,6}|не удален\w{1,6}|удаленк\w{1,3} (?:нет|не\w{0,20})",
)
HYBRID = _inside(
    r"hybrid|days? (?:a week )?(?:in the office|at home|from home)",
    r"from home (?:(?:one|two|three|[1-4]) days?|on (?:mon|tues|wednes|thurs|fri)days?)",
    r"гибрид\w{0,5}|(?:дня|день|дней) (?:в неделю )?(?:в офисе|из дома|дома|из офиса)",
)
ON_SITE = _inside(
    r"on[- ]?site|office[- ]based|in (?:the|our) (?:[\w-]{1,20} ){0,2}office|in[- ]office",
    r"in person",
    r"(?:работа )?(?:в|из) (?:нашем )?офис[еа]|на (?:месте|территории) работодателя|на объекте"
    r"|офис (?:у|рядом|в|на|около)",
)
EMPLOYMENT = {
    "TEMPORARY": _inside(
        r"fixed[- ]term|temporary|seasonal|temp",
        r"временн\w{2,3}(?: работа| занятость)?|сезонн\w{2,3}|на (?:сезон|лето)",
    ),
    "CONTRACTOR": _inside(
        r"contractor|freelancer?|b2b(?: contract)?|self[- ]employed",
        r"проектная(?: работа| занятость)?|гпх|гпд|самозанят\w{2,4}|фриланс",
    ),
    "INTERN": _inside(r"intern(?:ship)?|trainee(?:ship)?", r"стажировк\w{1,2}|стажер\w{0,3}"),
    "VOLUNTEER": _inside(r"volunteer(?:ing)?", r"волонтер\w{0,5}"),
    "PER_DIEM": _inside(r"per diem|day labou?r", r"разовое задание|подработка на день"),
    "PART_TIME": _inside(
        r"part[- ]?time",
        r"частичн\w{2,3}|неполн\w{2,3}(?: рабочий)?(?: день| занятость)?|подработк\w{1,2}",
        r"пар[тд]-?тайм",
    ),
    "FULL_TIME": _inside(
        r"full[- ]?time",
        r"полн\w{2,3} (?:рабочий )?(?:занятост\w|день|дня|ставк\w)|полная|полный|фул{1,2}-?тайм",
    ),
}
"""The first that is named counts: a full-time position for a summer is temporary."""

NUMBERS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "один": 1, "два": 2, "три": 3, "четыре": 4, "пять": 5, "шесть": 6,
    "одного": 1, "двух": 2, "трех": 3, "четырех": 4, "пяти": 5, "шести": 6,
    "полутора": 1,
}  # fmt: skip
NO_EXPERIENCE = _inside(
    r"no (?:previous |prior |work )?experience|without experience",
    r"experience (?:is )?not (?:required|needed)",
    r"(?:можно )?без опыта|нет опыта",
    r"(?:опыт|стаж)(?: работы)?(?:,? \w{1,20}){0,3},? (?:но )?не "
    r"(?:требуется|нужен|обязателен|важен)",
)
OF_EXPERIENCE = _inside(r"experience[d]?", r"опыт\w{0,2}|стаж\w{0,2}")
AT_LEAST = _inside(r"at least|minimum|min", r"не менее|от|минимум")
YEARS = re.compile(
    r"(?<![\w.,])(?P<count>[0-9]{1,2}|one|two|three|four|five|six|seven|eight|nine|ten|одного|двух|один|два|три|четыре|пять|шесть"
    r"|трех|четырех|пяти|шести|полутора)\s?\+?"
    r"(?:\s?(?:-|–|—|to|or|до|или)\s?(?:[0-9]{1,2}|two|three|four|five|six|два|три|двух|трех)\s?\+?)?(?:-?х)?\s?(?P<unit>years?|yrs?|months?|лет|года?"
    r"|месяц\w{0,3}|мес)(?!\w)"
)
HALF_A_YEAR = _inside(r"half a year", r"от полугода|полгода")
FROM_A_YEAR = _inside(
    r"от (?:1 )?года|(?:хотя бы|не меньше|не менее) года?|год (?:опыта|работы)",
    r"(?:at least|minimum of|over) a year|a year (?:of|or more)",
)
BUCKETS = ((12, "noExperience"), (36, "between1And3"), (72, "between3And6"))
"""Below so many months. "From six years" is the last bucket, as "more than six" is."""

AS_A_PLUS = re.compile(
    r"[\s,(–—-]{1,3}(?:(?:is|would be|will be|as) )?(?:an? (?:big )?(?:plus|advantage|bonus|asset)"
    r"|nice to have"
    r"|preferred|desirable|(?:(?:будет|станет|как) )?(?:большим )?(?:плюсом|преимуществом)"
    r"|(?:[–—-] )?(?:большой )?плюс|желательн[оы]|приветствуется)\)?$"
)
"""What stands behind a requirement that is nice to have."""
VERBS = re.compile(
    r"(?:вы )?(?:писали|работали|знаете|умеете|владеете|использовали|администрировали|пользуетесь"
    r"|понимаете|имеете|знакомы|говорите|есть|you(?:'ve| have)?|have|know|used|worked|built|can)"
    r"\s(?:(?:опыт\w{0,2}|работать|работали|работы|worked|used) )?(?:(?:на|с|со|в|with|in) )?"
)
"""How a requirement begins as a sentence: "писали на Go"."""
STATES = re.compile(
    r"(?:AL|AK|AZ|AR|CA|CO|CT|DE|FL|GA|HI|ID|IL|IN|IA|KS|KY|LA|ME|MD|MA|MI|MN|MS|MO|MT"
    r"|NE|NV|NH|NJ|NM|NY|NC|ND|OH|OK|OR|PA|RI|SC|SD|TN|TX|UT|VT|VA|WA|WV|WI|WY|AB|BC|MB|NB|NS|ON"
    r"|QC|SK|NSW|VIC|QLD)"
)
"""What stands behind a city in English."""

NOT_REQUIRED = re.compile(
    r"(?<!\w)(?:not|n't|no|не) (?:strictly )?(?:required|needed|necessary|essential|a must|нуж[ен]"
    r"|требу|обязател)"
)
TRAITS = re.compile(
    r"(?:без вредных привычек|аккуратн|ответственн|пунктуальн|коммуникабельн|стрессоустойчив|любовь"
    r"|желание|готовность|внимательн|порядочн|дисциплин|вежлив|исполнительн|доброжелательн|честн"
    r"|responsib|reliab|punctual|friendly|positive|enthusias|passion|willing|desire|attention"
    r"|hard[- ]?working|a team player|team player|self[- ]?motivat|motivated|flexib|honest"
    r"|ready to)"
)
"""What is no skill: it stays in the description."""
SEEKS = re.compile(
    r"(?<!\w)(?:(?:we(?:'re| are)|is|are) (?:looking|searching|hiring|seeking|recruiting|after)"
    r"(?: for)?|(?:we |they )?(?:seeks?|needs?|wants?(?: to hire)?)"
    r"|(?:on the )?lookout for|looking for|now hiring|hiring"
    r"|recruiting|(?:has|have) an opening for|in search of|join us as|wanted"
    r"|(?:мы )?(?:ищем|ищет|ищу|приглашаем|приглашает|приглашаются|набираем|подбираем|подбирает)"
    r"|(?:требуется|требуются|нужен|нужна|нужны|не хватает)"
    r"|открыта вакансия|срочно требуется)(?!\w):?\s+(?:(?:an?|the|our|new|experienced|friendly"
    r"|reliable|full-time|part-time|в (?:нашу )?команду|на (?:постоянную )?работу|к себе|себе"
    r"|срочно"
    r"|для (?:наш\w{2,3} )?(?:клиента|заказчика|партн[её]ра)"
    r"|опытного|опытный|опытная|еще одного|второго)\s+)*"
)
"""What stands before a title in a sentence."""
AFTER_TITLE = re.compile(
    r"\s\((?=[a-zа-я])|,\s(?!(?:[а-яё]{1,20} )?\d)|\s(?:to (?:join|help|work|lead|support)"
    r"|(?:who|that|for|with|near|in|at|on|from|когда|котор\w{2,3}|под|рядом|чтобы|срочно|во?)(?!\w)"
    r"|на (?=(?:постоян|работ|удал|полн|неполн|склад|производ|строящ|сезон|лето|смен|вахт"
    r"|подработ|завод|участ|должност))|для|wanted|is wanted|needed"
    r"|с (?=(?:опытом|знани))|(?:[0-9]|one|two|three|four|five) (?:days|hours|evenings))|[!.;]"
)
"""What ends it there."""
IS_SOUGHT = re.compile(
    r"(?:an? |the )?(?:experienced |qualified |skilled |reliable |friendly )*"
    r"(?P<title>[\w'-]{2,30}(?: [\w'-]{2,30}){0,4}?) (?:is|are)? ?(?:required|needed|wanted|sought)"
    r"(?!\w)"
)
"""A sentence whose subject is the title: "A cook is wanted in …"."""
IS_NEEDED = re.compile(r"\s(?:is )?(?:wanted|needed|required)(?!\w).{0,100}$", re.IGNORECASE)
CAPITALISED = re.compile(
    r"[A-ZА-ЯЁÀ-Þ][\w'’.-]*(?:[ -](?:[A-ZА-ЯЁÀ-Þ][\w'’.-]*|на|ам|am|de|of|the|upon)){0,3}"
)
"""A name of one to four words, as after "in"."""
