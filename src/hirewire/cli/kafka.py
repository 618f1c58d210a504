"""`hirewire kafka`: a Kafka cluster's access control and its queues, for operators."""

from typing import Annotated

import typer
from rich.table import Table

from hirewire import assembly, provisioning
from hirewire.cli.terminal import (
    BAD_SETTINGS,
    console,
    fail,
    print_table,
    run_async,
    running_data_dir,
    settings_or_exit,
)
from hirewire.launcher.state import found_settings
from hirewire.messaging.broker import BrokerMisconfigured, BrokerUnavailable, QueueStats, broker_at

kafka_app = typer.Typer(
    no_args_is_help=True,
    help="A Kafka cluster: what each service may do, and how far behind it is.",
)


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

    if "{service}" not in principal:
        fail("--principal: {service} has to be in it, or all services would be one", 2)
    cluster = parse_url(_address())
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


@kafka_app.command()
def queues() -> None:
    """The queues: whether a consumer is active, and how far behind each partition is."""
    assembly.load_contracts()
    found = run_async(_queues(_address()))
    table = Table("queue", "consumer", "group", "topic", "partition", "behind")
    for queue, stats in found.items():
        active = "active" if stats.consumers else "none"
        for one in stats.lags:
            row = (queue, active, one.group, one.topic, str(one.partition), f"{one.records:,}")
            table.add_row(*row)
    print_table(table, "no queues: run `hirewire migrate`")


async def _queues(address: str) -> dict[str, QueueStats]:
    from hirewire.messaging.brokers.kafka import Kafka

    broker = Kafka(address, client="queues")
    try:
        return await broker.queues()
    except (BrokerUnavailable, BrokerMisconfigured) as error:
        fail(str(error))
    finally:
        await broker.close()


def _address() -> str:
    """The address of the cluster in the settings, which can be read."""
    from hirewire.messaging.brokers.kafka import parse_url

    settings = settings_or_exit()
    if settings.broker_url is None:
        settings = found_settings(settings, running_data_dir(settings))
    address = settings.broker_url or ""
    if broker_at(address) != "kafka":
        fail("HIREWIRE_BROKER_URL is no Kafka cluster (kafka://… or kafka+ssl://…)", BAD_SETTINGS)
    try:
        parse_url(address)
    except ValueError as error:
        fail(f"HIREWIRE_BROKER_URL: {error}", BAD_SETTINGS)
    return address
