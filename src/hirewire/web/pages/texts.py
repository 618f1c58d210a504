"""The words of the pages, in the languages there are."""

Texts = dict[str, str]

ENGLISH: Texts = {
    "lang": "en",
    "tagline": "A job board that loses no message.",
    "running": "What is running",
    "ready": "ready",
    "starting": "starting",
    "away": "away",
    "auth": "Accounts",
    "auth_away": "Nobody can sign in or register; who is signed in goes on for up to 10 minutes.",
    "profiles": "Profiles and resumes",
    "profiles_away": "Registering works; profiles appear when it is back. No change is lost.",
    "vacancies": "Vacancies",
    "vacancies_away": "Resumes can be changed; employers see the changes when it is back.",
    "api": "API",
    "api_intro": "Every service describes its calls; the same addresses work for programs.",
    "first_calls": "The first calls",
    "endpoints": "Calls",
    "body": "Body",
    "required": "required",
    "document": "OpenAPI document",
    "back": "Start page",
    "not_there": "This page is not there, or its service is away.",
}
RUSSIAN: Texts = {
    "lang": "ru",
    "tagline": "Доска вакансий, которая не теряет сообщений.",
    "running": "Что работает",
    "ready": "работает",
    "starting": "запускается",
    "away": "недоступен",
    "auth": "Учётные записи",
    "auth_away": "Войти и зарегистрироваться нельзя; кто вошёл, работает дальше до 10 минут.",
    "profiles": "Профили и резюме",
    "profiles_away": "Регистрация работает; профили появятся позже. Ничего не теряется.",
    "vacancies": "Вакансии",
    "vacancies_away": "Резюме можно менять; работодатели увидят изменения, когда сервис вернётся.",
    "api": "API",
    "api_intro": "Каждый сервис описывает свои вызовы; по тем же адресам работают программы.",
    "first_calls": "Первые вызовы",
    "endpoints": "Вызовы",
    "body": "Тело",
    "required": "обязательно",
    "document": "Документ OpenAPI",
    "back": "На главную",
    "not_there": "Такой страницы нет, или её сервис недоступен.",
}


def texts_for(accept_language: str) -> Texts:
    """Russian when it is preferred to English by `Accept-Language` (RFC 9110), else English."""
    weights = {"ru": 0.0, "en": 0.001}
    for part in accept_language.split(","):
        tag, _, parameter = part.strip().partition(";")
        language = tag.split("-")[0].lower()
        try:
            weight = float(parameter.strip().removeprefix("q=") or 1)
        except ValueError:
            weight = 0.0
        if language in weights:
            weights[language] = max(weights[language], weight)
    return RUSSIAN if weights["ru"] > weights["en"] else ENGLISH
