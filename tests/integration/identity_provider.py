"""A small OpenID Connect provider, run as a process of its own: ``python identity_provider.py PORT``.

It checks the client's secret, the redirect address and PKCE, and signs with RS256. ``POST /set`` says whom it signs in, and what
it should do wrong, so that tests see what comes of it.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import requests
from flask import Flask, Response, jsonify, redirect, request
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

CLIENT, SECRET = "commsapp", "a secret of the provider"
KEY, OTHER_KEY = RSAKey.generate_key(2048, {"kid": "one"}), RSAKey.generate_key(2048, {"kid": "one"})


def provider(issuer: str) -> Flask:
    app = Flask("provider")
    person: dict[str, Any] = {"sub": "1", "email": "amy@example.org", "email_verified": True}
    wrong: set[str] = set()
    granted: dict[str, dict[str, str]] = {}
    tokens: dict[str, dict[str, Any]] = {}

    @app.post("/set")
    def set_person() -> str:
        given = request.get_json()
        person.clear()
        person.update(given["person"])
        wrong.clear()
        wrong.update(given.get("wrong", []))
        return ""

    @app.get("/.well-known/openid-configuration")
    def metadata() -> Response:
        return jsonify(
            issuer="http://evil.example" if "issuer" in wrong else issuer,
            authorization_endpoint=f"{issuer}/authorize",
            token_endpoint=f"{issuer}/token",
            jwks_uri=f"{issuer}/jwks",
            userinfo_endpoint=f"{issuer}/userinfo",
            id_token_signing_alg_values_supported=["RS256", "HS256", "none"],
        )

    @app.get("/authorize")
    def authorize() -> Response | str:
        asked = request.args.to_dict()
        assert asked["client_id"] == CLIENT and asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256" and asked["nonce"] and asked["state"]
        code = secrets.token_urlsafe()
        granted[code] = asked
        state = "another state" if "state" in wrong else asked["state"]
        address = f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': state})}"
        return redirect(address)  # type: ignore[return-value]  # a real one would ask who is there

    @app.post("/token")
    def token() -> Response | tuple[str, int]:
        asked = granted.pop(request.form["code"], None)
        client = base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(request.form["code_verifier"].encode()).digest()).decode().rstrip("=")
        if asked is None or (client != f"{CLIENT}:{SECRET.replace(' ', '%20')}" and client != f"{CLIENT}:{SECRET}"):
            return "no such client or code", 401
        if challenge != asked["code_challenge"] or request.form["redirect_uri"] != asked["redirect_uri"]:
            return "PKCE or address", 400
        now = int(time.time()) - (7200 if "time" in wrong else 0)
        claims = {
            "iss": issuer,
            "aud": "another client" if "audience" in wrong else CLIENT,
            "nonce": "another nonce" if "nonce" in wrong else asked["nonce"],
            "iat": now,
            "exp": now + 300,
            **{name: value for name, value in person.items() if not ("userinfo" in wrong and name.startswith("email"))},
        }
        header = {"alg": "RS256", "kid": "one"}
        key: Any = OTHER_KEY if "signature" in wrong else KEY
        if "shared secret" in wrong:
            header, key = {"alg": "HS256", "kid": "one"}, OctKey.import_key(SECRET * 2)
        access = secrets.token_urlsafe()
        tokens[access] = {**person, **({"sub": "somebody else"} if "subject" in wrong else {})}
        if "redirect" in wrong:
            return redirect("http://127.0.0.1:1/", 307)  # type: ignore[return-value]
        return jsonify(access_token=access, token_type="Bearer", id_token=jwt.encode(header, claims, key))

    @app.get("/jwks")
    def jwks() -> Response:
        return jsonify(keys=[KEY.as_dict(private=False)])

    @app.get("/userinfo")
    def userinfo() -> Response:
        return jsonify(tokens[request.headers["Authorization"].removeprefix("Bearer ")])

    return app


class Running:
    """A provider that runs in another process."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer

    def is_asked_for(self, *wrong: str, **person: object) -> None:
        """Sign this person in from now on, doing something wrong."""
        given = {"sub": "1", "email": "amy@example.org", "email_verified": True, **person}
        requests.post(f"{self.issuer}/set", json={"person": given, "wrong": wrong}, timeout=10).raise_for_status()

    def settings(self, **more: str) -> dict[str, str]:
        """What commsapp is told of it."""
        given = {"ISSUER": self.issuer, "CLIENT_ID": CLIENT, "CLIENT_SECRET": SECRET, "NAME": "Example Agency", **more}
        return {f"COMMSAPP_OIDC_{name}": value for name, value in given.items()}


@contextmanager
def running() -> Iterator[Running]:
    """A provider in a process of its own, on a free port of this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, str(Path(__file__)), str(port)], stderr=subprocess.DEVNULL)
    made = Running(f"http://127.0.0.1:{port}")
    try:
        for _ in range(200):
            try:
                made.is_asked_for()
                break
            except requests.ConnectionError:
                time.sleep(0.1)
        yield made
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    from waitress import serve

    serve(provider(f"http://127.0.0.1:{sys.argv[1]}"), host="127.0.0.1", port=int(sys.argv[1]))
