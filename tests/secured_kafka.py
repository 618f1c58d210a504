"""A Kafka node that asks who somebody is and what they may do: SASL, TLS, and access control."""

import base64
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, unquote

from joserfc import jwt
from joserfc.jwk import RSAKey

from hirewire.launcher.kafka import PrivateKafka
from hirewire.launcher.process import free_port
from tests.certificates import Certificate

ADMIN, PASSWORD = "admin", "adm1n/with@signs"
PLAIN_USERS = {"auth": "plain-auth"}
SERVER = """\
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:{admin};User:ANONYMOUS
listeners=CLIENTS://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller},\
SASL://127.0.0.1:{sasl},TLS://127.0.0.1:{tls}
advertised.listeners=CLIENTS://127.0.0.1:{port},SASL://127.0.0.1:{sasl},TLS://127.0.0.1:{tls}
listener.security.protocol.map=CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_PLAINTEXT,TLS:SASL_SSL
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512,OAUTHBEARER
ssl.keystore.type=PEM
ssl.keystore.location={certificate}
"""
OF_EACH_PORT = """\
listener.name.{name}.plain.sasl.jaas.config=\
org.apache.kafka.common.security.plain.PlainLoginModule required {users};
listener.name.{name}.scram-sha-512.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.{name}.oauthbearer.sasl.jaas.config=\
org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;
listener.name.{name}.oauthbearer.sasl.server.callback.handler.class=\
org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler
listener.name.{name}.oauthbearer.sasl.oauthbearer.jwks.endpoint.url={keys}
listener.name.{name}.oauthbearer.sasl.oauthbearer.expected.audience=kafka
"""


class SecuredKafka(PrivateKafka):
    """One node with three ports for clients.

    Its super users are `ADMIN`, and whoever comes without signing in to the first port, which
    only the launcher uses. SCRAM-SHA-256 is off.
    """

    def __init__(self, data_dir: Path, certificates: Path) -> None:
        super().__init__(data_dir)
        self.certificate = Certificate(certificates, "127.0.0.1", "localhost")
        self.tokens = TokenServer()
        self.sasl, self.tls = free_port(), free_port()
        allowed = "-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls="
        self.java = (*self.java, allowed + (self.data_dir / "keys.json").as_uri())

    def address(
        self,
        user: str = ADMIN,
        password: str = PASSWORD,
        *,
        namespace: str = "hirewire",
        mechanism: str = "PLAIN",
        tls: bool = False,
        ca: Path | None = None,
    ) -> str:
        """A broker address for a user."""
        scheme, port = ("kafka+ssl", self.tls) if tls else ("kafka", self.sasl)
        options = [f"mechanism={mechanism}"]
        if tls:
            options.append(f"ca={quote(str(ca or self.certificate.path))}")
        if mechanism == "OAUTHBEARER":
            options.append(f"token_endpoint={quote(self.tokens.url, safe='')}")
        who = f"{quote(user, safe='')}:{quote(password, safe='')}"
        return f"{scheme}://{who}@127.0.0.1:{port}/{namespace}?{'&'.join(options)}"

    def _write_configuration(self) -> None:
        super()._write_configuration()
        keystore, keys = self.data_dir / "node.pem", self.data_dir / "keys.json"
        keystore.write_bytes(self.certificate.path.read_bytes())
        keys.write_text(self.tokens.keys)
        users = {ADMIN: PASSWORD, **PLAIN_USERS}
        texts = " ".join(f'user_{name}="{secret}"' for name, secret in users.items())
        settings = SERVER.format(
            admin=ADMIN,
            port=self._settings.port,
            controller=self._settings.controller,
            sasl=self.sasl,
            tls=self.tls,
            certificate=keystore,
        )
        for name in ("sasl", "tls"):
            settings += OF_EACH_PORT.format(name=name, users=texts, keys=keys.as_uri())
        names = {line.partition("=")[0] for line in settings.splitlines()}
        kept = [
            line
            for line in self._configuration.read_text().splitlines()
            if line.partition("=")[0] not in names
        ]
        self._configuration.write_text("\n".join(kept) + "\n" + settings)
        for path in (self._configuration, keystore, keys):
            self._give(path)


class TokenServer:
    """An OAuth 2.0 token endpoint (client credentials): the client's id is the token's subject."""

    def __init__(self) -> None:
        self._key = RSAKey.generate_key(2048, {"kid": "1", "use": "sig", "alg": "RS256"})
        self.keys = json.dumps({"keys": [self._key.as_dict(private=False)]})
        self.seconds = 3600
        token_of = self._token

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                given = self.headers["Authorization"].removeprefix("Basic ")
                client = unquote(base64.b64decode(given).decode().partition(":")[0])
                answer = json.dumps({"access_token": token_of(client), "token_type": "Bearer"})
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer.encode())

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/token"

    def _token(self, client: str) -> str:
        now = int(time.time())
        claims = {"sub": client, "aud": "kafka", "iat": now, "exp": now + self.seconds}
        return jwt.encode({"alg": "RS256", "kid": "1"}, claims, self._key)

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()
