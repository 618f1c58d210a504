"""`hirewire kafka`: access control of a Kafka cluster, for operators."""

from typing import Annotated
from urllib.parse import urlsplit

import typer

from hirewire import assembly, provisioning
from hirewire.cli.terminal import BAD_SETTINGS, console, fail, run_async, settings_or_exit
from hirewire.messaging.broker import BrokerMisconfigured, BrokerUnavailable

kafka_app = typer.Typer(
    no_args_is_help=True, help="Access control of a Kafka cluster: what each service may do."
)


@kafka_app.callback()
def _of_kafka() -> None:
    pass


@kafka_app.command()
def acls(
    principal: Annotated[
        str, typer.Option(help="Kafka's name of a service's user; {service} stands for the service")
    ] = "User:{service}",
    apply: Annotated[
        bool, typer.Option("--apply", help="Set them, as the user of HIREWIRE_BROKER_URL")
    ] = False,
) -> None:
    """Print what each service may do, as commands of kafka-acls.sh.

    They follow from the events that it publishes and consumes. --apply sets them and removes all
    others that these users have in the namespace.
    """
    from hirewire.messaging.brokers.kafka import parse_url
    from hirewire.messaging.brokers.kafka.access import commands, grant

    address = settings_or_exit().broker_url or ""
    if urlsplit(address).scheme not in ("kafka", "kafka+ssl"):
        fail("HIREWIRE_BROKER_URL is no Kafka cluster (kafka://… or kafka+ssl://…)", BAD_SETTINGS)
    if "{service}" not in principal:
        fail("--principal: {service} has to be in it, or all services would be one", 2)
    try:
        cluster = parse_url(address)
    except ValueError as error:
        fail(f"HIREWIRE_BROKER_URL: {error}", BAD_SETTINGS)
    users = provisioning.broker_users(dict.fromkeys(assembly.PROCESSES, ""))
    if not apply:
        for line in commands(cluster, users, principal=principal):
            typer.echo(line)
        return
    try:
        run_async(grant(cluster, users, passwords={}, principal=principal))
    except (BrokerUnavailable, BrokerMisconfigured) as error:
        fail(str(error))
    console.print(f"set for {', '.join(one.name for one in users)}")
