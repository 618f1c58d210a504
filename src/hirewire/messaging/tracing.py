"""Trace context on every event, and spans that follow OpenTelemetry's messaging conventions.

Without a tracer (see `enable`) the W3C trace context is only passed on. With one, recording an
event creates a `create` span, publishing a `send` span linked to the events it publishes, and
handling a `process` span whose parent is the `create` span, in any service.
"""

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span, Tracer

    from hirewire.messaging.subscriptions import Invocation

MOST_LINKS = 128
_tracer: "Tracer | None" = None
_flush: Callable[[], object] | None = None


def enable(tracer: "Tracer | None", flush: Callable[[], object] | None = None) -> None:
    """Create spans with this tracer from now on (none with None); `flush` sends the rest."""
    global _tracer, _flush
    _tracer, _flush = tracer, flush


def close() -> None:
    """Send the remaining spans: nothing runs after a server's last signal."""
    if _flush is not None:
        _flush()


def enabled() -> bool:
    """Whether spans are created."""
    return _tracer is not None


def new_traceparent() -> str:
    """A W3C `traceparent` that starts an unsampled trace."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00"


def created(type: str, id: str, traceparent: str) -> str:
    """Create the span of a recorded event; returns the trace context that is sent with it."""
    if _tracer is None:
        return traceparent
    from opentelemetry.trace import SpanKind

    span = _tracer.start_span(
        f"create {type}",
        context=_parent(traceparent),
        kind=SpanKind.PRODUCER,
        attributes=_about("create", type) | {"messaging.message.id": id},
    )
    span.end()
    return _traceparent_of(span)


@contextmanager
def sending(exchange: str, traceparents: Sequence[str | None]) -> Iterator[None]:
    """A span around the publication of messages."""
    if _tracer is None:
        yield
        return
    from opentelemetry.trace import Link, SpanKind

    contexts = [_span_context(one) for one in traceparents[:MOST_LINKS] if one]
    with _tracer.start_as_current_span(
        f"send {exchange}",
        kind=SpanKind.CLIENT,
        links=[Link(one) for one in contexts],
        attributes=_about("send", exchange) | {"messaging.batch.message_count": len(traceparents)},
    ):
        yield


def processing(invocations: "Sequence[Invocation]", queue: str) -> "list[Span]":
    """Begin a span for each invocation; events that its handler records are caused by it."""
    if _tracer is None:
        return []
    from opentelemetry.trace import SpanKind

    spans = []
    for invocation in invocations:
        received = invocation.received
        span = _tracer.start_span(
            f"process {received.event.name}",
            context=_parent(received.traceparent),
            kind=SpanKind.CONSUMER,
            attributes=_about("process", queue)
            | {
                "messaging.message.id": str(received.id),
                "messaging.message.conversation_id": received.correlation_id,
                "messaging.consumer.group.name": invocation.subscription.name,
            },
        )
        received.traceparent = _traceparent_of(span)
        spans.append(span)
    return spans


def finish(spans: "Sequence[Span]", error: BaseException | None = None) -> None:
    """End spans; after an error, as failed. Only its type is stored: its text may hold data."""
    for span in spans:
        if error is not None:
            from opentelemetry.trace import Status, StatusCode

            span.set_attribute("error.type", type(error).__name__)
            span.set_status(Status(StatusCode.ERROR))
        span.end()


@contextmanager
def serving(method: str, path: str, traceparent: str | None) -> Iterator[tuple[str, Any]]:
    """Context of a request: its trace context, and its span if spans are created."""
    if _tracer is None:
        yield traceparent or new_traceparent(), None
        return
    from opentelemetry.trace import SpanKind

    with _tracer.start_as_current_span(
        method,
        context=_parent(traceparent),
        kind=SpanKind.SERVER,
        attributes={"http.request.method": method, "url.path": path},
    ) as span:
        yield _traceparent_of(span), span


def _about(operation: str, destination: str) -> dict[str, str]:
    kind = {"create": "create", "send": "send", "process": "process"}[operation]
    return {
        "messaging.system": "hirewire",
        "messaging.operation.type": kind,
        "messaging.operation.name": operation,
        "messaging.destination.name": destination,
    }


def _span_context(traceparent: str) -> Any:
    from opentelemetry.trace import SpanContext, TraceFlags

    _, trace, span, flags = traceparent.split("-")
    return SpanContext(int(trace, 16), int(span, 16), True, TraceFlags(int(flags, 16)))


def _parent(traceparent: str | None) -> "Context | None":
    """A traceparent as context. An unsampled trace is started here, under the same id."""
    if not traceparent:
        return None
    from opentelemetry.trace import NonRecordingSpan, set_span_in_context

    return set_span_in_context(NonRecordingSpan(_span_context(traceparent)))


def _traceparent_of(span: Any) -> str:
    found = span.get_span_context()
    return f"00-{found.trace_id:032x}-{found.span_id:016x}-{found.trace_flags:02x}"
