"""Answers of `vacancies` about companies and who acts for them."""

from hirewire.web.api.models.base import Model, Moment


class NamedCompany(Model):
    """A company as an option to choose."""

    id: str
    name: str


class Verified(Model):
    """How a company was verified."""

    by: str
    domain: str | None = None


class CompanyLine(NamedCompany):
    """A company, as operators see it."""

    site: str | None = None
    createdAt: Moment
    verifiedAt: Moment | None = None
    verifiedBy: str | None = None
    verifiedDomain: str | None = None
    takenDown: bool = False


class Company(NamedCompany):
    """A company's public profile."""

    verified: Verified | None = None
    description: str | None = None
    site: str | None = None
    logo: str | None = None


class Employer(Model):
    """A user who acts for a company."""

    companyId: str


class EmployerProfile(Employer):
    """The company of the visitor."""

    verified: Verified | None = None
    markLost: str | None = None
    companyName: str
    phone: str | None = None
    description: str | None = None
    site: str | None = None
    logo: str | None = None
