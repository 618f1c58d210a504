"""Salaries of vacancies, and their conversion to monthly pay."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from hirewire.kit.models import Body

A_MONTH = {"HOUR": 168.0, "DAY": 21.0, "WEEK": 52 / 12, "MONTH": 1.0, "YEAR": 1 / 12}
"""The number of units in a month of full-time work; pay per unit times this is monthly pay."""
Amount = Annotated[int, Field(ge=0, le=10**12)]
_CODES = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN
BZD CAD CDF CHE CHF CHW CLF CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR
FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY
KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU
MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON
RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP
TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER
ZAR ZMW ZWG
"""
CURRENCIES = frozenset(_CODES.split())
"""ISO 4217 codes of currencies and funds in use."""


def _currency(value: str) -> str:
    if value not in CURRENCIES:
        raise PydanticCustomError("unknown_currency", "must be a currency code of ISO 4217")
    return value


class Salary(Body):
    """The salary: at least one end of the range is required."""

    min: Amount | None = None
    max: Amount | None = None
    currency: Annotated[
        str, AfterValidator(_currency), Field(json_schema_extra={"enum": sorted(CURRENCIES)})
    ]
    unit: Literal["HOUR", "DAY", "WEEK", "MONTH", "YEAR"] = "MONTH"
    gross: bool = True

    @model_validator(mode="after")
    def _range(self) -> Self:
        if self.min is None and self.max is None:
            raise PydanticCustomError("salary_empty", "min or max is required")
        if self.min is not None and self.max is not None and self.max < self.min:
            raise PydanticCustomError("salary_range", "max must not be less than min")
        return self
