"""One trace from the request through outbox, broker and handler to the next event and beyond."""

import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from hirewire.messaging.database import connect
from tests.builders import eventually
from tests.journeys.conftest import Platform
from tests.journeys.people import register


class Collector(ThreadingHTTPServer):
    """Receives spans like a collector: OTLP over HTTP."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Take)
        self.spans: list[dict[str, Any]] = []

    def named(self, name: str) -> list[dict[str, Any]]:
        return [span for span in self.spans if span["name"] == name]


class Take(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        request = ExportTraceServiceRequest.FromString(self.rfile.read(length))
        for group in request.resource_spans:
            names = {a.key: a.value.string_value for a in group.resource.attributes}
            for scope in group.scope_spans:
                for span in scope.spans:
                    self.server.spans.append(
                        {
                            "service": names["service.name"],
                            "name": span.name,
                            "trace": span.trace_id.hex(),
                            "id": span.span_id.hex(),
                            "parent": span.parent_span_id.hex(),
                            "links": [link.span_id.hex() for link in span.links],
                            "attributes": {a.key: a.value.string_value for a in span.attributes},
                        }
                    )
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    thread = Thread(target=made.serve_forever)
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.mark.long
async def test_a_registration_is_one_trace(
    fresh_address: str, broker_url: str, tmp_path: Path, collector: Collector
) -> None:
    platform = Platform(fresh_address, broker_url, tmp_path / "log")
    platform.environment["HIREWIRE_OTLP_ENDPOINT"] = f"http://127.0.0.1:{collector.server_port}"
    await platform.migrate()
    await platform.start("auth", "profiles", "web")
    try:
        async with platform.client() as client:
            await register(client)

            async def arrived() -> bool:
                return bool(collector.named("create profile.updated"))

            await eventually(arrived, within=30)
    finally:
        await platform.stop()
    [request] = [s for s in collector.spans if s["name"].endswith("/register")]
    [created] = collector.named("create user.registered")
    [processed] = collector.named("process user.registered")
    [followed] = collector.named("create profile.updated")
    assert {s["trace"] for s in (request, created, processed, followed)} == {request["trace"]}
    assert (request["service"], processed["service"]) == ("auth", "profiles")
    assert created["parent"] == request["id"]
    assert processed["parent"] == created["id"]
    assert followed["parent"] == processed["id"]
    assert any(created["id"] in span["links"] for span in collector.named("send hirewire.events"))
    assert processed["attributes"]["messaging.operation.type"] == "process"


async def test_the_trace_context_is_propagated_without_a_collector(platform: Platform) -> None:
    await platform.start("auth", "profiles", "web")
    trace = "0af7651916cd43dd8448eb211c80319c"
    async with platform.client() as client:
        answer = await client.post(
            "/api/auth/register",
            json={"email": "trace@example.org", "password": "a good long password"},
            headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"},
        )
        assert answer.status_code == 201, answer.text
        await register(client)
    url = platform.settings.service_database("profiles")

    async def traces() -> list[str]:
        connection = await connect(url, application="tests")
        rows = await connection.fetch(
            "select traceparent from messaging.log where type = 'profile.updated' order by position"
        )
        await connection.close()
        return [row[0] for row in rows] if len(rows) == 2 else []

    await eventually(traces)
    passed, begun = await traces()
    assert passed.split("-")[1] == trace
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-00", begun)


@pytest.mark.long
async def test_every_backlog_has_a_metric(platform: Platform) -> None:
    """In outbox, queue and inbox: whatever is unavailable, a metric shows the backlog."""
    await platform.start("auth", "profiles", "web")
    profiles = platform.settings.service_url("profiles")
    async with platform.client() as client, httpx.AsyncClient() as direct:
        connection = await connect(
            platform.settings.service_database("profiles"), application="tests"
        )
        await connection.execute("alter table profile rename to elsewhere")
        await connection.close()
        await register(client)

        async def shown() -> bool:
            text = (await direct.get(f"{profiles}/metrics")).text
            return (
                'hirewire_messages_open{service="profiles",state="retrying"} 1.0' in text
                and 'hirewire_queue_ready{service="profiles"} 0.0' in text
                and 'hirewire_events_retried_total{event="user.registered"' in text
                and 'hirewire_handle_seconds_count{event="user.registered"' in text
            )

        await eventually(shown)
