"""The command `hirewire plan`."""

from typing import Annotated

import typer
from rich.console import Console

from hirewire.cli.terminal import fail


def plan(
    users: Annotated[str | None, typer.Option(help="Accounts: 50k, 5M [50k]")] = None,
    vacancies: Annotated[str | None, typer.Option(help="Open vacancies [5k]")] = None,
    resumes: Annotated[str | None, typer.Option(help="Visible resumes [0.3 of the users]")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Any other input, in the unit that the output names (repeatable)",
        ),
    ] = None,
) -> None:
    """Compute machines, processes, storage and limits for a board, from measured figures."""
    from hirewire.tools.capacity.plan import BadInput, plan_of
    from hirewire.tools.capacity.report import print_plan

    given = {"users": users, "vacancies": vacancies, "resumes": resumes}
    inputs = {name: value for name, value in given.items() if value is not None}
    for one in set_ or ():
        name, sign, value = one.partition("=")
        if not sign:
            fail(f"--set: not NAME=VALUE: {one[:50]!r}", 2)
        if name in inputs:
            fail(f"--set: {name} is given twice", 2)
        inputs[name] = value
    try:
        found = plan_of(inputs)
    except BadInput as error:
        fail(str(error), 2)
    print_plan(found, Console(highlight=False))
