"""A sign-in service of the district over OpenID Connect: code, PKCE, nonce, and an ID token that is verified.

The protocol is authlib's, which comes with the extra ``oidc``; what it sends goes out by the doors of the
house. Discovery and keys are read anew at every sign-in: a key that was changed there counts here at once.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from alerts.outgoing.post import Post
from ingest.errors import ConfigMistake, DeliveryError, FengsuiError, SourceError
from ingest.http import HttpClient
from ingest.secret import Secret
from pipeline.configuration.sign_in import SignIn

DISCOVERY = "/.well-known/openid-configuration"
"""Where a service describes itself (OpenID Connect Discovery 1.0, section 4)."""
SIGNED_BY = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "Ed25519", "EdDSA")
"""Signatures that are taken: only those whose key the service keeps for itself."""
VALID = timedelta(minutes=10)
"""For so long somebody may take to sign in there."""
_DEADLINE = timedelta(seconds=6)
_LEEWAY_S = 60
_KINDS = {"RSA", "EC", "OKP"}


class ServiceFailed(FengsuiError):
    """The sign-in service did not say who somebody is; the message says what to do."""


@dataclass(frozen=True, kw_only=True)
class Begun:
    """A sign-in that is under way, kept by the browser that began it."""

    state: str
    """Comes back with the answer: proof that this browser asked."""
    nonce: str
    """Comes back inside the ID token: proof that it was made for this sign-in."""
    verifier: str
    """Of which the service knows the hash: proof that who brings the code is who asked for it."""
    back: str
    """Where to go on afterwards."""
    until: str
    """When it is over, ISO 8601."""

    def sealed(self, key: str) -> str:
        """As text for a cookie that only this instance can have written."""
        body = base64.urlsafe_b64encode(json.dumps(asdict(self)).encode()).decode()
        return f"{body}.{_seal(body, key)}"


def begin(back: str, now: datetime) -> Begun:
    """A sign-in that begins now."""
    state, nonce, verifier = (secrets.token_urlsafe(48) for _ in range(3))
    until = (now + VALID).isoformat()
    return Begun(state=state, nonce=nonce, verifier=verifier, back=back, until=until)


def unsealed(text: str, key: str, now: datetime) -> Begun:
    """What a cookie holds; ServiceFailed where it is not ours or too old."""
    body, _, seal = text.partition(".")
    if not hmac.compare_digest(_seal(body, key).encode(), seal.encode()):
        raise ServiceFailed("请从登录页重新开始 / begin again on the page to sign in")
    found = Begun(**json.loads(base64.urlsafe_b64decode(body)))
    if now >= datetime.fromisoformat(found.until):
        raise ServiceFailed("登录超时，请重新开始 / that took too long, begin again")
    return found


def _seal(body: str, key: str) -> str:
    return hmac.new(key.encode(), b"fengsui sign-in " + body.encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Provider:
    """The service that one instance trusts."""

    keys: SignIn
    """Who it is."""
    home: str
    """Where it sends people back to."""
    http: HttpClient
    """The way in."""
    post: Post
    """The way out."""
    reveal: Callable[[Secret], str]
    """Reads a secret."""

    def address(self, begun: Begun) -> str:
        """Where to send a browser; ServiceFailed where the service does not answer."""
        facts = self._facts()
        address, _ = self._client(facts).create_authorization_url(
            facts["authorization_endpoint"], state=begun.state, nonce=begun.nonce,
            code_verifier=begun.verifier,
        )  # fmt: skip
        return str(address)

    def claims(self, begun: Begun, answer: Mapping[str, str], now: datetime) -> dict[str, Any]:
        """Who came back, as the verified ID token says; ServiceFailed where anything is not as it must be."""
        if not hmac.compare_digest(answer.get("state", "").encode(), begun.state.encode()):
            raise ServiceFailed("请从登录页重新开始 / begin again on the page to sign in")
        # RFC 9207: an answer that names its sender was not taken from another service.
        if answer.get("iss", self.keys.issuer) != self.keys.issuer or "code" not in answer:
            raise ServiceFailed("登录服务没有放行 / the sign-in service did not let you in")
        facts = self._facts()
        token = self._token(facts, answer["code"], begun)
        return self._verified(token, facts, begun, now)

    def _facts(self) -> dict[str, str]:
        found = self._read(self.keys.issuer.rstrip("/") + DISCOVERY)
        wanted = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")
        if not all(isinstance(found.get(name), str) for name in wanted):
            raise ServiceFailed(_BROKEN)
        if found["issuer"] != self.keys.issuer:
            raise ServiceFailed(
                "service.yaml中的issuer与登录服务自称的不同 / the issuer in service.yaml is not what the"
                " service calls itself: write it exactly so"
            )
        return found

    def _read(self, address: str) -> dict[str, Any]:
        try:
            found = self.http.get_json(address, {}, deadline=_DEADLINE, largest=1_000_000)
        except SourceError:
            raise ServiceFailed(_SILENT) from None
        if not isinstance(found, dict):
            raise ServiceFailed(_BROKEN)
        return found

    def _token(self, facts: Mapping[str, str], code: str, begun: Begun) -> str:
        from authlib.common.errors import AuthlibBaseError

        try:
            told = self._client(facts).fetch_token(
                facts["token_endpoint"], grant_type="authorization_code", code=code,
                code_verifier=begun.verifier, redirect_uri=self.home,
            )  # fmt: skip
        except (AuthlibBaseError, DeliveryError, ValueError):
            raise ServiceFailed(_SILENT) from None
        token = told.get("id_token")
        if not isinstance(token, str):
            raise ServiceFailed(_BROKEN)
        return token

    def _verified(
        self, token: str, facts: Mapping[str, str], begun: Begun, now: datetime
    ) -> dict[str, Any]:
        from authlib.oidc.core.claims import CodeIDToken
        from joserfc import jwt
        from joserfc.errors import JoseError

        wanted: dict[str, Any] = {
            "iss": {"essential": True, "value": self.keys.issuer},
            "aud": {"essential": True, "value": self.keys.client_id},
        }
        params = {"nonce": begun.nonce, "client_id": self.keys.client_id}
        try:
            read = jwt.decode(token, _key_set(self._read(facts["jwks_uri"])), algorithms=list(SIGNED_BY))
            claims = CodeIDToken(read.claims, read.header, options=wanted, params=params)
            claims.validate(now=int(now.timestamp()), leeway=_LEEWAY_S)
        except (JoseError, ValueError, TypeError, KeyError):
            raise ServiceFailed(
                "登录服务的证明无效，请告诉运维 / the sign-in service proves nothing, tell the operator"
            ) from None
        return dict(claims)

    def _client(self, facts: Mapping[str, Any]) -> Any:
        try:
            from authlib.oauth2.client import OAuth2Client
        except ImportError:
            raise ConfigMistake(
                "service.yaml: sign_in needs the extra oidc; install it with: pip install 'fengsui[oidc]'"
            ) from None

        secret = self.keys.client_secret
        return OAuth2Client(
            session=_Session(way=self.post),
            client_id=self.keys.client_id,
            client_secret=None if secret is None else self.reveal(secret),
            token_endpoint_auth_method=_proof(facts) if secret else "none",
            scope="openid profile",
            redirect_uri=self.home,
            code_challenge_method="S256",
        )


_SILENT = "登录服务没有应答，请用口令登录或稍后再试 / the sign-in service does not answer, use a password"
_BROKEN = "登录服务的应答不完整，请告诉运维 / the sign-in service answers wrongly, tell the operator"


def _proof(facts: Mapping[str, Any]) -> str:
    known = facts.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    return "client_secret_basic" if "client_secret_basic" in known else "client_secret_post"


def _key_set(told: Mapping[str, Any]) -> Any:
    """The keys that sign; services also publish those that encrypt."""
    from joserfc.jwk import KeySet

    kept = [one for one in told["keys"] if one.get("kty") in _KINDS and one.get("use", "sig") == "sig"]
    return KeySet.import_key_set({"keys": kept})


@dataclass(frozen=True, kw_only=True)
class _Said:
    """What the service answered, as authlib reads it."""

    status_code: int
    text: bytes

    def json(self) -> Any:
        return json.loads(self.text)

    def raise_for_status(self) -> None:
        if self.status_code >= 400:
            raise ValueError(f"status {self.status_code}")


@dataclass(frozen=True, kw_only=True)
class _Session:
    """The session that authlib posts with: the one way out of the house."""

    way: Post

    def post(self, url: str, data: Mapping[str, str], headers: Mapping[str, str], auth: Any) -> _Said:
        url, fields, body = auth.prepare("POST", url, dict(headers), urlencode(data))
        answer = self.way.send(url, body.encode(), fields, deadline=_DEADLINE)
        return _Said(status_code=answer.status, text=answer.body)
