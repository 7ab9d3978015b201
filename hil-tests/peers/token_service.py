"""A token service after SMART Backend Services, in front of the records service: it verifies what the unit signs by
libraries that have nothing of the unit's, and gives tokens; or answers wrongly, as it is told.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit

import jwt

from .front import Front

CONFIGURATION = "/fhir/.well-known/smart-configuration"
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Refused(Exception):
    """Why no token is given, as OAuth's code, and what the service would say in words of its own."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(words)
        self.code, self.words = code, words


def thumbprint(jwk: dict) -> str:
    """RFC 7638, of a key on a curve."""
    text = json.dumps({name: jwk[name] for name in ("crv", "kty", "x", "y")}, separators=(",", ":"), sort_keys=True)
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


class TokenService:
    """``mode``: ``give``, ``error``, ``long`` (10 MB), ``drip``, ``other-audience`` (it knows itself by another
    address) or ``redirect``. ``expires_in`` is the text of that member; ``None``: it is left out. ``ahead``: how far
    its clock is ahead, in seconds. ``takes_any``: whether the records service takes any token at all. ``together``:
    where requests without a good token meet, so that they are refused in the same moment.

    ``asked`` are the assertions that came, ``refused`` why they were not taken, ``given`` the tokens, ``unknown`` how
    often a request came without a token that is good.
    """

    def __init__(self, front: Front, client: str, jwks: dict, finds_itself: bool = True) -> None:
        self.front = front
        self.client = client
        self.keys = {key["kid"]: key for key in jwks["keys"]}
        self.finds_itself = finds_itself
        self.mode = "give"
        self.expires_in: str | None = "300"
        self.scope: str | None = None
        self.ahead = 0.0
        self.takes_any = True
        self.together: threading.Barrier | None = None
        self.asked: list[str] = []
        self.refused: list[str] = []
        self.given: list[str] = []
        self.unknown = 0
        self._good: set[str] = set()
        self._numbers: set[str] = set()
        self._lock = threading.Lock()
        front.guard = self._take

    @property
    def endpoint(self) -> str:
        return self.front.base_url.removesuffix("/fhir") + "/token"

    def revoke(self) -> None:
        """No token that was given is good any more."""
        with self._lock:
            self._good.clear()

    # What comes in

    def _take(self, handler: BaseHTTPRequestHandler) -> bool:
        path = urlsplit(handler.path).path
        if path == CONFIGURATION:
            document = {
                "token_endpoint": self.endpoint, "grant_types_supported": ["client_credentials"],
                "token_endpoint_auth_methods_supported": ["private_key_jwt"],
                "token_endpoint_auth_signing_alg_values_supported": ["RS384", "ES384"], "capabilities": [],
            }
            self._say(handler, 200 if self.finds_itself else 404, json.dumps(document))
            return True
        if path == "/token":
            self._give(handler, handler.rfile.read(int(handler.headers["Content-Length"])).decode())
            return True
        with self._lock:
            if self.takes_any and handler.headers.get("Authorization", "").removeprefix("Bearer ") in self._good:
                return False
            self.unknown += 1
        if (barrier := self.together) is not None:
            barrier.wait(60)
            self.together = None
        handler.rfile.read(int(handler.headers.get("Content-Length", "0")))
        self._say(handler, 401, json.dumps({"resourceType": "OperationOutcome", "issue": [
            {"severity": "error", "code": "login"}]}))
        return True

    def _say(self, handler: BaseHTTPRequestHandler, status: int, text: str, **fields: str) -> None:
        handler.date_time_string = lambda timestamp=None: formatdate(  # type: ignore[method-assign]
            (timestamp or time.time()) + self.ahead, usegmt=True)
        content = text.encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(content)))
        for name, value in fields.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content)

    # Tokens

    def _give(self, handler: BaseHTTPRequestHandler, body: str) -> None:
        form = {name: values[0] for name, values in parse_qs(body, strict_parsing=True).items()}
        assertion = form.get("client_assertion", "")
        self.asked.append(assertion)
        if self.mode == "error":
            # A service that repeats what it was told in its own words.
            return self._say(handler, 500, json.dumps({"error": "server_error", "error_description": assertion}))
        if self.mode == "redirect":
            return self._say(handler, 302, "", Location=self.endpoint)
        if self.mode == "long":
            return self._send_without_end(handler, b"a" * 65_536, 160, 0)
        if self.mode == "drip":
            return self._send_without_end(handler, b" ", 1000, 0.5)  # short enough to be waited for
        try:
            self._verify(form, assertion)
        except Refused as reason:
            self.refused.append(str(reason))
            document = {"error": reason.code, "error_description": f"{reason.words}: {assertion}"}
            return self._say(handler, 400, json.dumps(document))
        token = secrets.token_urlsafe(32)
        with self._lock:
            self.given.append(token)
            self._good.add(token)
        life = "" if self.expires_in is None else f', "expires_in": {self.expires_in}'
        return self._say(
            handler, 200, f'{{"access_token": "{token}", "token_type": "bearer", "scope": "system/*.cru"{life}}}')

    def _send_without_end(self, handler: BaseHTTPRequestHandler, part: bytes, count: int, pause: float) -> None:
        mode = self.mode
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(part) * count))
        handler.end_headers()
        handler.close_connection = True
        try:
            for _ in range(count):
                if self.mode != mode:
                    return
                handler.wfile.write(part)
                handler.wfile.flush()
                time.sleep(pause)
        except OSError:
            pass

    def _verify(self, form: dict[str, str], assertion: str) -> None:
        if form.get("grant_type") != "client_credentials" or form.get("client_assertion_type") != JWT_BEARER:
            raise Refused("invalid_request", f"the form has {sorted(form)}")
        if self.scope is not None and form.get("scope") != self.scope:
            raise Refused("invalid_scope", f"not {form.get('scope')}")
        audience = "https://elsewhere.example/token" if self.mode == "other-audience" else self.endpoint
        try:
            head = jwt.get_unverified_header(assertion)
            if head["alg"] != "ES384" or head["kid"] not in self.keys:
                raise Refused("invalid_client", f"no such key: {head}")
            key = jwt.PyJWK(self.keys[head["kid"]]).key
            claims = jwt.decode(assertion, key, algorithms=["ES384"], audience=audience,
                                options={"require": ["iss", "sub", "aud", "exp", "jti"]})
        except jwt.PyJWTError as error:
            raise Refused("invalid_client", f"{type(error).__name__}: {error}") from error
        if not claims["iss"] == claims["sub"] == self.client:
            raise Refused("invalid_client", "another client")
        if claims["exp"] - time.time() > 300:
            raise Refused("invalid_client", "good for more than five minutes")
        with self._lock:
            if claims["jti"] in self._numbers:
                raise Refused("invalid_client", "said before")
            self._numbers.add(claims["jti"])
