"""The client of `vacancies`: jobs, companies, matches, searches."""

from collections.abc import Iterable, Mapping
from typing import ClassVar
from urllib.parse import quote
from uuid import UUID

from hirewire.web.api.answers import Answer
from hirewire.web.api.client import Client, Query, Typed
from hirewire.web.api.models.applications import OldApplication
from hirewire.web.api.models.base import Items, Made
from hirewire.web.api.models.companies import Company, EmployerProfile, NamedCompany
from hirewire.web.api.models.vacancies import (
    Activity,
    JobFigures,
    MatchingResume,
    MatchingVacancy,
    Overview,
    OwnVacancy,
    Price,
    Reach,
    ReadVacancy,
    ResumeResults,
    SavedSearch,
    SavedVacancy,
    Score,
    SkillNames,
    SuggestedPlace,
    SuggestedSkill,
    Vacancy,
    VacancyResults,
    Viewer,
    WholeCard,
)

MEANT = "5"
"""The number of options that may be meant by a text."""
SUGGESTED = "8"
"""The number of options while a text is typed."""


class Vacancies(Client):
    """The service `vacancies`, without its applications."""

    name: ClassVar[str] = "vacancies"
    root: ClassVar[str] = "/api/vacancies"

    async def search(self, query: Query) -> Answer[VacancyResults]:
        """Open jobs, without their descriptions."""
        asked = query.items() if isinstance(query, Mapping) else query
        return await self._get(VacancyResults, "/vacancies", [*asked, ("brief", "true")])

    async def own_vacancies(
        self, limit: int, after: str | None = None
    ) -> Answer[Items[OwnVacancy]]:
        """The jobs of the visitor's company, newest first."""
        query = {"mine": "true", "limit": str(limit), "after": after, "brief": "true"}
        return await self._get(Items[OwnVacancy], "/vacancies", query)

    async def job_figures(self, limit: int, after: str | None = None) -> Answer[Items[JobFigures]]:
        """The jobs of the visitor's company with their figures, urgent ones first."""
        query = {"limit": str(limit), "after": after}
        return await self._get(Items[JobFigures], "/vacancies/overview", query)

    async def vacancy(self, id: UUID | str) -> Answer[Vacancy]:
        """One job."""
        return await self._get(Vacancy, f"/vacancies/{id}")

    async def overview(self) -> Answer[Overview]:
        """The number of open jobs, and of the companies that they belong to."""
        return await self._get(Overview, "/overview")

    async def saved(self, limit: int, after: str | None = None) -> Answer[Items[SavedVacancy]]:
        """The visitor's saved jobs, most recently saved first."""
        query = {"limit": str(limit), "after": after}
        return await self._get(Items[SavedVacancy], "/saved", query)

    async def save(self, id: UUID) -> Answer[None]:
        """Save a job for later."""
        return await self._do("PUT", f"/vacancies/{id}/saved")

    async def unsave(self, id: UUID) -> Answer[None]:
        """Remove a job from the saved ones."""
        return await self._do("DELETE", f"/vacancies/{id}/saved")

    async def create_vacancy(self, vacancy: Typed) -> Answer[Made]:
        """Create a draft."""
        return await self._send(Made, "POST", "/vacancies", vacancy)

    async def read_advert(self, text: str) -> Answer[ReadVacancy]:
        """Read the text of a job ad; nothing of it is saved."""
        return await self._send(ReadVacancy, "POST", "/vacancies/read", {"text": text})

    async def change_vacancy(self, id: UUID, changes: Typed) -> Answer[None]:
        """Change a job."""
        return await self._do("PATCH", f"/vacancies/{id}", changes)

    async def copy_vacancy(self, id: UUID) -> Answer[Made]:
        """Create a draft with the content of this job."""
        return await self._send(Made, "POST", f"/vacancies/{id}/copy")

    async def move_vacancy(
        self,
        id: UUID,
        action: str,
        body: Typed | None = None,
    ) -> Answer[None]:
        """Change the status of a job: `publish`, `pause`, `close`, `reopen`, `archive`."""
        return await self._do("POST", f"/vacancies/{id}/{action}", body)

    async def price(self, id: UUID, changes: Typed) -> Answer[Price]:
        """How the requirements of a job affect the number of candidates."""
        return await self._send(Price, "POST", f"/vacancies/{id}/price", changes)

    async def company(self, id: UUID | str) -> Answer[Company]:
        """A company."""
        return await self._get(Company, f"/companies/{id}")

    async def companies_named(
        self, text: str, limit: str = SUGGESTED
    ) -> Answer[Items[NamedCompany]]:
        """Companies with this text in their name."""
        return await self._get(Items[NamedCompany], "/companies", {"limit": limit, "q": text})

    async def companies(self, ids: Iterable[str]) -> Answer[Items[NamedCompany]]:
        """The companies with these ids."""
        return await self._get(Items[NamedCompany], "/companies", [("id", id) for id in ids])

    async def skills(self, text: str) -> Answer[Items[SuggestedSkill]]:
        """Skills that begin with this text."""
        return await self._get(Items[SuggestedSkill], "/skills", {"limit": SUGGESTED, "q": text})

    async def skills_meant(self, text: str) -> Answer[Items[SuggestedSkill]]:
        """Skills that this text may mean in other words."""
        query = {"limit": MEANT, "q": text, "by": "meaning"}
        return await self._get(Items[SuggestedSkill], "/skills", query)

    async def places(self, text: str) -> Answer[Items[SuggestedPlace]]:
        """Places that begin with this text."""
        return await self._get(Items[SuggestedPlace], "/places", {"limit": SUGGESTED, "q": text})

    async def skill_names(self, typed: Iterable[str]) -> Answer[SkillNames]:
        """The names of skills by the typed text."""
        return await self._get(SkillNames, "/skills/names", [("name", one) for one in typed])

    async def employer_profile(self) -> Answer[EmployerProfile]:
        """The visitor's company; a refusal with 404 for a visitor without one."""
        return await self._get(EmployerProfile, "/employer-profile")

    async def create_employer_profile(self, body: Typed) -> Answer[None]:
        """Make the visitor an employer."""
        return await self._do("POST", "/employer-profile", body)

    async def change_employer_profile(self, changes: Typed) -> Answer[None]:
        """Change the visitor's company."""
        return await self._do("PATCH", "/employer-profile", changes)

    async def send_company_code(self, address: str) -> Answer[None]:
        """Mail a code to an address at the company's domain."""
        return await self._do("POST", "/employer-profile/verification", {"address": address})

    async def confirm_company(self, code: str) -> Answer[None]:
        """Verify the company with the code."""
        return await self._do("POST", "/employer-profile/verification/code", {"code": code})

    async def set_logo(self, image: bytes, media_type: str) -> Answer[None]:
        """Replace the company's logo."""
        return await self._do("PUT", "/employer-profile/logo", content=(image, media_type))

    async def remove_logo(self) -> Answer[None]:
        """Remove the company's logo."""
        return await self._do("DELETE", "/employer-profile/logo")

    async def search_resumes(self, query: Query) -> Answer[ResumeResults]:
        """Resumes without names; a refusal with 403 for a visitor who is not an employer."""
        return await self._get(ResumeResults, "/resumes", query)

    async def card(self, resume: UUID) -> Answer[WholeCard]:
        """A resume without name and contacts."""
        return await self._get(WholeCard, f"/resumes/{resume}")

    async def viewers(self, resume: str) -> Answer[Items[Viewer]]:
        """The companies that viewed a resume of the visitor."""
        return await self._get(Items[Viewer], f"/resumes/{resume}/viewers", {"limit": "50"})

    async def recommended(
        self, limit: int, after: str | None = None
    ) -> Answer[Items[MatchingVacancy]]:
        """Jobs that match the visitor's resumes."""
        query = {"limit": str(limit), "after": after}
        return await self._get(Items[MatchingVacancy], "/recommended", query)

    async def matches(
        self, limit: int, after: str | None = None, *, resume: UUID | None = None
    ) -> Answer[Items[MatchingResume]]:
        """Resumes that match the company's jobs, or only this resume."""
        query = {"limit": str(limit), "after": after, "resume": str(resume) if resume else None}
        return await self._get(Items[MatchingResume], "/recommendations", query)

    async def candidates(
        self, vacancy: UUID, limit: int, after: str | None = None
    ) -> Answer[Items[MatchingResume]]:
        """Resumes that match a job, best first."""
        query = {"limit": str(limit), "after": after}
        return await self._get(
            Items[MatchingResume], f"/vacancies/{vacancy}/recommendations", query
        )

    async def decide(self, match: str, state: str) -> Answer[None]:
        """Shortlist or dismiss a matching resume."""
        path = f"/recommendations/{quote(match, safe='')}/state"
        return await self._do("POST", path, {"state": state})

    async def scores(
        self, vacancy: UUID | str, resumes: Iterable[str], *, explained: bool = False
    ) -> Answer[Items[Score]]:
        """Match scores of applicants' resumes; with the reasons if `explained`."""
        query = [("resume", id) for id in resumes]
        query += [("reasons", "true")] if explained else []
        return await self._get(Items[Score], f"/vacancies/{vacancy}/scores", query)

    async def best_fit(self, vacancy: UUID | str, resumes: Iterable[str]) -> Answer[Items[Score]]:
        """How well the best of these resumes of the visitor matches a job, with the reasons."""
        query = [*(("resume", id) for id in resumes), ("limit", "1")]
        return await self._get(Items[Score], f"/vacancies/{vacancy}/fits", query)

    async def reach(self, resume: UUID, changes: Typed) -> Answer[Reach]:
        """How many jobs a resume matches now, and with these changes."""
        body: Typed = {"resumeId": str(resume), "changes": dict(changes)}
        return await self._send(Reach, "POST", "/reach", body)

    async def activity(self, limit: int, after: str | None = None) -> Answer[Items[Activity]]:
        """Recent activity of candidates."""
        return await self._get(Items[Activity], "/activity", {"limit": str(limit), "after": after})

    async def old_applications(self) -> Answer[Items[OldApplication]]:
        """The applications that the visitor was asked about by mail."""
        return await self._get(Items[OldApplication], "/retention")

    async def keep_old(self) -> Answer[None]:
        """Keep them all."""
        return await self._do("POST", "/retention/keep")

    async def searches(self) -> Answer[Items[SavedSearch]]:
        """The visitor's saved searches."""
        return await self._get(Items[SavedSearch], "/searches", {"limit": "100"})

    async def save_search(self, name: str, query: Typed, *, alerts: bool) -> Answer[None]:
        """Save a search, with alerts of new jobs or without."""
        return await self._do(
            "POST", "/searches", {"name": name, "query": dict(query), "alerts": alerts}
        )

    async def alert_of_search(self, id: UUID) -> Answer[None]:
        """Switch the alerts of a saved search on."""
        return await self._do("PUT", f"/searches/{id}/alerts")

    async def mute_search(self, id: UUID) -> Answer[None]:
        """Switch the alerts of a saved search off."""
        return await self._do("DELETE", f"/searches/{id}/alerts")

    async def see_search(self, id: UUID) -> Answer[None]:
        """Reset the number of new jobs of a saved search."""
        return await self._do("POST", f"/searches/{id}/seen")

    async def delete_search(self, id: UUID) -> Answer[None]:
        """Delete a saved search."""
        return await self._do("DELETE", f"/searches/{id}")
