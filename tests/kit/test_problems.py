"""Errors in responses: codes, and params that are few, short and not secret."""

import json
from typing import Annotated, Any, Literal

import pytest
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.requests import Request
from pydantic import AfterValidator, BaseModel, Field, ValidationError
from pydantic_core import PydanticCustomError

from hirewire.kit import problems
from hirewire.kit.errors import AppError, FieldError, Invalid, Kind, Unavailable

REQUEST = Request({"type": "http", "app": FastAPI()})
SECRET = "s3cret"
LONG = "x" * 1_000_000


class TooOften(AppError):
    """Too often; try again later."""

    slug = "too-often"
    code = "too_often"
    kind = Kind.TOO_MANY


def _refuse(value: str) -> str:
    params = {"name": value, "least": float("-inf"), "part": 1.5, "is_so": True, "all": [value]}
    raise PydanticCustomError("refused", "{name} is refused", params)


class Cat(BaseModel):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]


class Sent(BaseModel):
    refused: Annotated[str, AfterValidator(_refuse)] | None = None
    pet: Annotated[Cat | Dog, Field(discriminator="kind")] | None = None
    number: int | None = None
    word: Annotated[str, Field(max_length=3)] | None = None
    pattern: Annotated[str, Field(pattern="^a$")] | None = None
    many: list[int] = []


async def answered(error: AppError) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(bytes((await problems.business(REQUEST, error)).body))
    return found


async def refused(**sent: Any) -> list[dict[str, Any]]:
    with pytest.raises(ValidationError) as raised:
        Sent.model_validate(sent)
    items = [{**one, "loc": ("body", *one["loc"])} for one in raised.value.errors()]
    answer = await problems.validation(REQUEST, RequestValidationError(items))
    found: list[dict[str, Any]] = json.loads(bytes(answer.body))["errors"]
    return found


async def test_params_are_few_and_short_and_json() -> None:
    params = {f"param{n}": LONG for n in range(20)}
    for error in (Invalid(params=params), Invalid(errors=[FieldError("#/a", "no", "no", params)])):
        answer = await answered(error)
        [said] = answer.get("errors", [answer])
        assert said["params"] == {f"param{n}": "x" * 200 for n in range(10)}
    numbers = {"nan": float("nan"), "inf": float("inf"), "whole": 7, "part": 0.5, "yes": True}
    assert (await answered(Invalid(params=numbers)))["params"] == {
        "whole": 7,
        "part": 0.5,
        "yes": True,
    }
    with pytest.raises(ValueError, match="code, params"):
        Invalid(extra={"code": "x", "params": {}})


async def test_only_rate_limit_errors_contain_the_seconds_to_wait() -> None:
    answer = await answered(TooOften(retry_after=61, params={"max": 5}))
    assert (answer["code"], answer["params"]) == ("too_often", {"max": 5, "seconds": 61})
    assert answer["detail"] == "Too often; try again in 2 minutes."
    assert (await answered(Unavailable(retry_after=1)))["params"] == {}


async def test_a_validators_code_and_params_are_sent() -> None:
    [error] = await refused(refused="{name} {0} %s")
    assert error == {
        "pointer": "#/refused",
        "detail": "{name} {0} %s is refused",
        "code": "refused",
        "params": {"name": "{name} {0} %s", "part": 1.5, "is_so": True},
    }


@pytest.mark.parametrize(
    ("sent", "code", "params"),
    [
        ({"pet": {"kind": SECRET}}, "union_tag_invalid", {}),
        ({"number": SECRET}, "int_parsing", {}),
        ({"word": SECRET}, "string_too_long", {"max_length": 3}),
        ({"pattern": SECRET}, "string_pattern_mismatch", {"pattern": "^a$"}),
    ],
)
async def test_pydantics_params_hold_nothing_of_the_input(
    sent: dict[str, Any], code: str, params: dict[str, Any]
) -> None:
    [error] = await refused(**sent)
    assert (error["code"], error["params"]) == (code, params)


async def test_of_many_errors_fifty_are_sent() -> None:
    errors = await refused(many=["x"] * 51)
    assert len(errors) == 50
    assert {one["code"] for one in errors} == {"int_parsing"}
