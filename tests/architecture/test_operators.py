"""Every route of operators asks for the second factor that a setting can require."""

from collections.abc import Iterator

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from hirewire import assembly
from hirewire.kit.http import needs_strength


def calls_of(dependant: Dependant) -> Iterator[object]:
    for one in dependant.dependencies:
        yield one.call
        yield from calls_of(one)


def test_routes_of_operators_need_the_second_factor() -> None:
    routes = [
        route
        for name in assembly.SERVICES
        for router in assembly.service(name).routes
        for route in router.routes
        if isinstance(route, APIRoute) and "/admin" in route.path
    ]
    assert len(routes) > 15
    open_ = [route.path for route in routes if needs_strength not in calls_of(route.dependant)]
    assert open_ == []
