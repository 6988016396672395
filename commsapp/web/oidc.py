"""Signing in with an OpenID Connect provider: Authlib asks it and checks its answer (state, nonce, PKCE, signature, times)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.flask_client import FlaskIntegration, FlaskOAuth2App
from authlib.integrations.requests_client import OAuth2Session
from flask import Flask, current_app
from joserfc.errors import JoseError
from werkzeug.wrappers import Response

from commsapp.config import Oidc, Settings
from commsapp.errors import CommsappError, Unavailable
from commsapp.outgoing import guard, listed

_EXTENSION = "commsapp_oidc"
_WRONG = (AuthlibBaseError, JoseError, requests.RequestException, ValueError, KeyError, TypeError, RuntimeError)
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures with a key pair: nothing that the shared secret, or nobody, could sign."""


@dataclass(frozen=True)
class Identity:
    """Who a provider says somebody is. ``email`` is empty unless the provider says that it checked it."""

    key: str
    email: str
    second_factor: bool


class Provider(FlaskOAuth2App):  # type: ignore[misc]  # Authlib has no types
    """Authlib's client, which calls hosts of our list only and believes the issuer that was set only."""

    issuer = ""

    def load_server_metadata(self) -> dict[str, Any]:
        """What the provider publishes of itself."""
        metadata: dict[str, Any] = super().load_server_metadata()
        if metadata.get("issuer") != self.issuer:
            raise ValueError("another issuer")
        offered = metadata.get("id_token_signing_alg_values_supported") or ["RS256"]
        metadata["id_token_signing_alg_values_supported"] = [name for name in ALGORITHMS if name in offered]
        return metadata


def install(app: Flask, settings: Settings) -> None:
    """Make the client of the provider, where one is set."""
    oidc = settings.oidc
    if oidc is None:
        return
    allowed = (listed(oidc.issuer), *settings.outgoing_hosts)

    class Session(OAuth2Session):  # type: ignore[misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            guard(self, allowed)

    provider = Provider(
        FlaskIntegration("provider"),
        name="provider",
        client_id=oidc.client_id,
        client_secret=oidc.client_secret,
        server_metadata_url=f"{oidc.issuer.rstrip('/')}/.well-known/openid-configuration",
        client_kwargs={"scope": "openid email", "code_challenge_method": "S256"},
    )
    provider.client_cls, provider.issuer = Session, oidc.issuer
    app.extensions[_EXTENSION] = provider


def ask(answer_to: str, oidc: Oidc) -> Response:
    """Lead the browser to the provider, which leads it back to ``answer_to``.

    Raises
    ------
    Unavailable : the provider does not answer as one.

    """
    with _told(oidc):
        sent: Response = _provider().authorize_redirect(answer_to)
    return sent


def answered(oidc: Oidc) -> Identity:
    """Who the provider says that the browser is which it led back.

    Raises
    ------
    Unavailable : the answer does not hold.

    """
    with _told(oidc):
        token = _provider().authorize_access_token()
        claims: dict[str, Any] = dict(token["userinfo"])
        if "email" not in claims and token.get("access_token"):
            claims = _with_more(claims, _provider().userinfo(token=token))
        email = str(claims.get("email") or "") if claims.get("email_verified") is True else ""
        return Identity(f"{claims['iss']}|{claims['sub']}", email, oidc.trust_second_factor and _two_factors(claims))


def _with_more(claims: dict[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    if more.get("sub") != claims["sub"]:  # somebody else's, as the specification warns
        raise ValueError("another subject")
    return {**more, **claims}


def _two_factors(claims: Mapping[str, Any]) -> bool:
    said = claims.get("amr") if isinstance(claims.get("amr"), list) else []
    return "mfa" in (said or []) or claims.get("acr") == "mfa"


def _provider() -> Provider:
    made: Provider = current_app.extensions[_EXTENSION]
    return made


@contextmanager
def _told(oidc: Oidc) -> Iterator[None]:
    """Turn whatever a provider does wrong into one sentence; its own words stay out of pages and logs."""
    try:
        yield
    except (*_WRONG, CommsappError) as error:
        what = str(error) if isinstance(error, CommsappError) else type(error).__name__
        current_app.logger.warning("Sign-in with the provider failed: %s", what)
        raise Unavailable(
            f"Signing in with {oidc.name} did not work.", "Try it once more, or sign in with your password."
        ) from error
