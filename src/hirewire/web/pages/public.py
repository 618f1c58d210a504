"""Calls for pages that everybody may see."""

from uuid import UUID

from hirewire.web.api.answers import Answer, SignInFirst
from hirewire.web.api.client import Query
from hirewire.web.api.models.vacancies import Vacancy, VacancyResults
from hirewire.web.sessions import Visitor


async def search(who: Visitor, query: Query) -> Answer[VacancyResults]:
    """Search jobs, with the visitor's rights if the session is valid. Raises `Unavailable`."""
    try:
        return await who.vacancies.search(query)
    except SignInFirst:  # the session has ended, but the page is public
        return await who.public.search(query)


async def vacancy(who: Visitor, id: UUID) -> Answer[Vacancy]:
    """A job, with the visitor's rights if the session is valid. Raises `Unavailable`."""
    try:
        return await who.vacancies.vacancy(id)
    except SignInFirst:
        return await who.public.vacancy(id)
