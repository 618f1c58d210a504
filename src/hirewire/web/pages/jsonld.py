"""Schema.org `JobPosting` markup for the page of a vacancy."""

import json
from datetime import date

from pydantic import JsonValue

from hirewire.kit.clock import end_of
from hirewire.places.keys import where
from hirewire.web.api.models.vacancies import OfferedSalary, Vacancy

Markup = dict[str, JsonValue]
"""A node of JSON-LD."""

_ESCAPED = {
    "<": "\\u003c",
    ">": "\\u003e",
    "&": "\\u0026",
    "\u2028": "\\u2028",
    "\u2029": "\\u2029",
}


def job_posting(vacancy: Vacancy, site: str, country: str | None = None) -> Markup:
    """The markup of an open vacancy, following Google's guide for job postings.

    `country` is the ISO 3166 code of the board's vacancies; Google requires one in an address.
    `TELECOMMUTE` means fully remote work only; the vacancy's area then limits where applicants may
    live.
    """
    posting: Markup = {
        "@context": "https://schema.org/",
        "@type": "JobPosting",
        "title": vacancy.title,
        "description": vacancy.description or vacancy.title,
        "datePosted": vacancy.publishedAt,
        "url": f"{site}/vacancies/{vacancy.id}",
        "identifier": {
            "@type": "PropertyValue",
            "name": vacancy.companyName,
            "value": vacancy.id,
        },
        "hiringOrganization": _company(vacancy, site),
        "directApply": True,
    }
    if vacancy.validThrough:
        end = end_of(date.fromisoformat(vacancy.validThrough))
        posting["validThrough"] = end.isoformat().replace("+00:00", "Z")
    if vacancy.employmentType:
        posting["employmentType"] = vacancy.employmentType
    if vacancy.salary:
        posting["baseSalary"] = _salary(vacancy.salary)
    if vacancy.requirements:
        posting["skills"] = [ask.skill for ask in vacancy.requirements]
    return posting | _place(vacancy, country)


def _company(vacancy: Vacancy, site: str) -> Markup:
    company: Markup = {"@type": "Organization", "name": vacancy.companyName}
    if vacancy.companyLogo:
        company["logo"] = f"{site}{vacancy.companyLogo}"
    return company


def missing(vacancy: Vacancy, country: str | None) -> list[str]:
    """The location fields that search engines require and the vacancy lacks."""
    area, work_format = where(vacancy.area, vacancy.workFormat)
    if work_format == "remote":
        return [] if area or country else ["area"]
    return [name for name, value in (("area", area), ("country", country)) if not value]


def _place(vacancy: Vacancy, country: str | None) -> Markup:
    area, work_format = where(vacancy.area, vacancy.workFormat)
    if work_format == "remote":
        place: Markup = {"jobLocationType": "TELECOMMUTE"}
        if area or country:
            kind = "AdministrativeArea" if area else "Country"
            place["applicantLocationRequirements"] = {"@type": kind, "name": area or country}
        return place
    address: Markup = {
        "@type": "PostalAddress",
        "addressLocality": area,
        "streetAddress": vacancy.address,
        "addressCountry": country,
    }
    known: Markup = {name: value for name, value in address.items() if value}
    return {"jobLocation": {"@type": "Place", "address": known}}


def _salary(salary: OfferedSalary) -> Markup:
    value = {
        "@type": "QuantitativeValue",
        "minValue": salary.min,
        "maxValue": salary.max,
        "unitText": salary.unit,
    }
    return {
        "@type": "MonetaryAmount",
        "currency": salary.currency,
        "value": {name: part for name, part in value.items() if part is not None},
    }


def script(content: Markup) -> str:
    """The markup as JSON, escaped for a script element."""
    text = json.dumps(content, ensure_ascii=False)
    return "".join(_ESCAPED.get(letter, letter) for letter in text)
