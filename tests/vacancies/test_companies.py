"""A company's public page: its description and its logo."""

import io
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from hirewire.kit.errors import Invalid
from hirewire.vacancies.employers import logos
from tests.builders import eventually
from tests.vacancies.conftest import Person

PROFILE = "/employer-profile"


def image(kind: str, size: tuple[int, int] = (900, 300), **more: Any) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(made, kind, **more)
    return made.getvalue()


async def put(person: Person, content: bytes, kind: str) -> httpx.Response:
    return await person.service.client.put(
        "/api/vacancies/employer-profile/logo",
        content=content,
        headers=person.service.as_user(person.id) | {"Content-Type": kind},
    )


async def test_a_company_is_changed(anna: Person, boris: Person) -> None:
    company = (await anna.hire())["companyId"]
    changes = {
        "companyName": "Rose & Sons",
        "description": "Flowers.\n\nSince 1901.",
        "site": "https://rose.example/",
        "phone": None,
    }
    changed = await anna.call("PATCH", PROFILE, changes)
    assert {name: changed[name] for name in changes} == changes
    assert await boris.call("GET", f"/companies/{company}") == {
        "id": company,
        "name": "Rose & Sons",
        "description": "Flowers.\n\nSince 1901.",
        "site": "https://rose.example/",
        "logo": None,
        "verified": None,
    }
    only = await anna.call("PATCH", PROFILE, {"site": None})
    assert (only["site"], only["companyName"]) == (None, "Rose & Sons")
    await boris.call("PATCH", PROFILE, {"companyName": "Mine"}, expect=403)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"companyName": " "}, "#/companyName"),
        ({"companyName": None}, "#/companyName"),
        ({"site": "javascript:alert(1)"}, "#/site"),
        ({"description": "x" * 10_001}, "#/description"),
        ({"logo": "x"}, "#/logo"),
    ],
)
async def test_a_wrong_change_names_its_field(
    anna: Person, changes: dict[str, Any], pointer: str
) -> None:
    await anna.hire()
    refused = await anna.call("PATCH", PROFILE, changes | {"phone": "12345"}, expect=422)
    assert [one["pointer"] for one in refused["errors"]] == [pointer]
    assert (await anna.call("GET", PROFILE))["phone"] == "+7 (921) 000-00-00", "nothing half done"


async def test_vacancies_are_found_by_a_new_name(anna: Person) -> None:
    await anna.hire("Acme")
    vacancy = await anna.vacancy()
    await anna.call("POST", f"/vacancies/{vacancy}/publish")

    async def found(word: str) -> list[str]:
        answer = await anna.call("GET", f"/vacancies?q={word}")
        return [one["companyName"] for one in answer["items"]]

    async def by_old_name() -> bool:
        return await found("Acme") == ["Acme"]

    await eventually(by_old_name)
    await anna.call("PATCH", PROFILE, {"companyName": "Zinnia"})

    async def by_new_name() -> bool:
        return await found("Zinnia") == ["Zinnia"] and await found("Acme") == []

    await eventually(by_new_name)
    facets = (await anna.call("GET", "/vacancies?q=backend&facets=true"))["facets"]
    assert [one["label"] for one in facets["company"]] == ["Zinnia"]


async def test_a_logo_is_re_encoded(anna: Person) -> None:
    company = (await anna.hire())["companyId"]
    vacancy = await anna.vacancy()
    path = f"/api/vacancies/companies/{company}/logo"
    client = anna.service.client
    assert (await client.get(path)).status_code == 404
    exif = Image.Exif()
    exif[0x010E] = "taken at home"  # ImageDescription
    exif[0x0112] = 6  # Orientation: rotate by 90 degrees
    answer = await put(anna, image("JPEG", exif=exif.tobytes(), comment=b"secret"), "image/jpeg")
    assert answer.status_code == 200, answer.text
    logo = answer.json()["logo"]
    got = await client.get(logo)
    assert (got.headers["content-type"], "immutable" in got.headers["cache-control"]) == (
        "image/webp",
        True,
    )
    with Image.open(io.BytesIO(got.content)) as shown:
        assert (shown.format, shown.size, dict(shown.getexif())) == ("WEBP", (133, 400), {})
    assert b"taken at home" not in got.content
    assert b"secret" not in got.content
    assert "immutable" not in (await client.get(path)).headers["cache-control"]
    assert (await anna.call("GET", f"/companies/{company}"))["logo"] == logo
    assert (await anna.call("GET", f"/vacancies/{vacancy}"))["companyLogo"] == logo

    second = (await put(anna, image("PNG", (10, 10)), "image/png")).json()["logo"]
    assert second != logo
    gone = await anna.call("DELETE", f"{PROFILE}/logo")
    assert gone["logo"] is None
    assert (await client.get(path)).status_code == 404
    assert (await anna.call("GET", f"/vacancies/{vacancy}"))["companyLogo"] is None


@pytest.mark.parametrize("kind", list(logos.KINDS))
async def test_common_image_formats_are_accepted_and_scaled_down(kind: str) -> None:
    made = await logos.reencoded(image(logos.KINDS[kind]))
    with Image.open(io.BytesIO(made)) as shown:
        assert (shown.format, shown.size) == ("WEBP", (400, 133))


async def test_transparency_is_kept() -> None:
    made = io.BytesIO()
    Image.new("RGBA", (40, 40), (0, 0, 0, 0)).save(made, "PNG")
    with Image.open(io.BytesIO(await logos.reencoded(made.getvalue()))) as shown:
        assert shown.getpixel((5, 5))[3] == 0  # type: ignore[index]


async def test_unsupported_images_are_refused(anna: Person, boris: Person) -> None:
    await anna.hire()
    good = image("PNG")
    for content, kind, status in (
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>", "image/svg+xml", 422),
        (b"<svg/>", "image/png", 422),
        (good[: len(good) // 2], "image/png", 422),
        (b"", "image/png", 422),
        (image("TIFF"), "image/png", 422),
        (good, "text/plain", 422),
        (image("PNG", (5000, 5000)), "image/png", 422),
        (good + b"x" * (1024 * 1024), "image/png", 413),
    ):
        answer = await put(anna, content, kind)
        assert answer.status_code == status, (kind, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
    assert (await anna.call("GET", PROFILE))["logo"] is None
    assert (await put(boris, good, "image/png")).status_code == 403
    unknown = await anna.service.client.put(
        "/api/vacancies/employer-profile/logo", content=good, headers={"Content-Type": "image/png"}
    )
    assert unknown.status_code == 401


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(
    kind=st.sampled_from(list(logos.KINDS.values())),
    at=st.integers(0, 2000),
    broken=st.binary(min_size=1, max_size=40),
)
def test_a_broken_image_is_refused_or_shown(kind: str, at: int, broken: bytes) -> None:
    content = image(kind, (60, 40))
    at %= len(content)
    try:
        made = logos._reencoded(content[:at] + broken + content[at + len(broken) :])
    except Invalid:
        return
    with Image.open(io.BytesIO(made)) as shown:
        assert max(shown.size) <= logos.SIDE
