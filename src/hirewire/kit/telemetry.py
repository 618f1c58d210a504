"""Configuration of logs and traces, which hold no secrets or personal data."""

import logging
import sys
from typing import Any

import structlog
from structlog.typing import EventDict

from hirewire import __version__
from hirewire.kit.settings import Settings
from hirewire.messaging import tracing


def configure_logging(settings: Settings, service: str) -> None:
    """Send the logs of structlog and of the standard library to stderr in one format.

    `log_format` is ``console`` (short lines for people), ``json`` (for collectors) or ``auto``
    (console on a terminal, else JSON).
    """
    as_json = settings.log_format == "json" or (
        settings.log_format == "auto" and not sys.stderr.isatty()
    )
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True)
        if as_json
        else structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False),
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(
            pad_event_to=0,
            pad_level=False,
            exception_formatter=structlog.dev.plain_traceback,  # others print variables
        )
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *([structlog.processors.format_exc_info] if as_json else [_once]),
            renderer,
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    for noisy in (
        "alembic",
        "hirewire.kit.db.ShrinkingPool",
        "uvicorn.access",
        "uvicorn.error",
        "httpx",
        "httpcore",
        "asyncio",
    ):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.getLogger("pika").setLevel(logging.CRITICAL)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelName(settings.log_level.upper())
        ),
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.bind_contextvars(process=service)


def _once(_: object, __: str, event: EventDict) -> EventDict:
    """Remove the field `service` if it repeats the field `process`."""
    if event.get("service") == event.get("process"):
        event.pop("service", None)
    return event


def configure_tracing(settings: Settings, service: str) -> None:
    """Send spans over OTLP (HTTP, protobuf) to HIREWIRE_OTLP_ENDPOINT, if it is set."""
    if settings.otlp_endpoint is None:
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ALWAYS_ON

    resource = Resource.create(
        {"service.namespace": "hirewire", "service.name": service, "service.version": __version__}
    )
    provider = TracerProvider(resource=resource, sampler=ALWAYS_ON)
    exporter = OTLPSpanExporter(f"{settings.otlp_endpoint.rstrip('/')}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracing.enable(provider.get_tracer("hirewire", __version__), provider.force_flush)
