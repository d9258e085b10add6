"""A sign-in service on loopback: OpenID Connect with discovery, code, PKCE, nonce and signed ID tokens."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "fengsui", "s3cret-of-fengsui"

Edit = Callable[[dict[str, Any]], None]


@dataclass
class Identity:
    """Lets everybody in at once, as who `claims` says; what it does wrong is told by `spoil`."""

    claims: dict[str, Any] = field(default_factory=lambda: {"sub": "1", "preferred_username": "zhang"})
    spoil: dict[str, Any] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)

    def __enter__(self) -> Identity:
        self._key = RSAKey.generate_key(2048, parameters={"kid": "one", "use": "sig"})
        self._other = RSAKey.generate_key(2048, parameters={"kid": "one", "use": "sig"})
        self._codes: dict[str, dict[str, str]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def issuer(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._server.server_port}/realm"

    def discovery(self) -> dict[str, Any]:
        """What it says of itself."""
        told = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
        }
        return told | self.spoil.get("discovery", {})

    def approve(self, address: str) -> str:
        """What a browser does there: who comes with this address is let in, and is sent back to this one."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert asked["code_challenge_method"] == "S256"
        code = f"code-{len(self._codes)}"
        self._codes[code] = asked
        back = {"code": code, "state": asked["state"], "iss": self.issuer} | self.spoil.get("back", {})
        return f"{asked['redirect_uri']}?{urlencode(back)}"

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """Change a code for a token, once, for who proves to be the one that asked."""
        self.asked.append(form)
        asked = self._codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        secret = "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if asked is None or asked["code_challenge"] != challenge or authorization != secret:
            return 400, {"error": "invalid_grant"}
        if asked["redirect_uri"] != form.get("redirect_uri"):
            return 400, {"error": "invalid_grant"}
        if "token" in self.spoil:
            return self.spoil["token"]
        return 200, {"access_token": "a", "token_type": "Bearer", "id_token": self._signed(asked["nonce"])}

    def _signed(self, nonce: str) -> str:
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 60, "nonce": nonce}
        claims |= self.claims | self.spoil.get("claims", {})
        claims = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": "RS256", "kid": "one"} | self.spoil.get("header", {})
        if header["alg"] == "none":
            parts = (json.dumps(part).encode() for part in (header, claims))
            return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts) + "."
        key: Any = self._other if self.spoil.get("foreign") else self._key
        return jwt.encode(header, claims, key)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                known = {
                    "/realm/.well-known/openid-configuration": service.discovery,
                    "/realm/keys": lambda: {"keys": [service._key.as_dict(private=False)]},
                }
                make = known.get(urlsplit(self.path).path)
                self._answer(*((200, make()) if make else (404, {})))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                form = {name: values[0] for name, values in parse_qs(body).items()}
                self._answer(*service.token(form, self.headers.get("Authorization", "")))

            def _answer(self, status: int, told: dict[str, Any]) -> None:
                body = json.dumps(told).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler
