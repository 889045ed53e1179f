"""GitHub Apps: a JSON Web Token signed with the App's key is exchanged for an installation token."""

from __future__ import annotations

import secrets
from datetime import timedelta

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.standin.calls import ApiError, Call, Reply, not_found, timestamp
from tests.standin.world import App, Token, World

_LIFETIME = timedelta(hours=1)
_LONGEST_JWT = timedelta(minutes=10)
_LEEWAY = 60


def make_app(app_id: int, installation_id: int) -> App:
    """Make an App with a fresh 2048-bit RSA key."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return App(app_id, installation_id, public.decode(), private.decode())


def access_token(call: Call) -> Reply:
    """POST /app/installations/{installation}/access_tokens.

    Raises:
        ApiError: 401 where the JSON Web Token is not one of a known App, 404 where the App is not
            installed under that id.
    """
    app = _checked(call)
    if call.path("installation") != str(app.installation_id):
        raise not_found()
    expires_at = call.world.clock() + _LIFETIME
    value = f"ghs_{secrets.token_hex(18)}"
    number = sum(1 for _ in _tokens_of(call.world, app)) + 1
    token = Token(f"app-{app.id}-{number}", "installation", f"app-{app.id}[bot]", app.id, expires_at=expires_at)
    call.world.add_token(value, token)
    return Reply(
        {
            "token": value,
            "expires_at": timestamp(expires_at),
            "permissions": {"contents": "read", "metadata": "read"},
            "repository_selection": "all",
        },
        status=201,
    )


def _checked(call: Call) -> App:
    scheme, _, encoded = call.request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not encoded:
        raise ApiError(401, "A JSON web token could not be decoded")
    try:
        issuer = str(jwt.decode(encoded, options={"verify_signature": False}).get("iss", ""))
        app = call.world.apps.get(int(issuer)) if issuer.isdigit() else None
        if app is None:
            raise ApiError(404, "Integration not found")
        claims = jwt.decode(
            encoded,
            app.public_key,
            algorithms=["RS256"],
            leeway=_LEEWAY,
            options={"require": ["iat", "exp", "iss"], "verify_iat": True},
        )
    except jwt.PyJWTError as error:
        raise ApiError(401, f"A JSON web token could not be decoded: {error}") from None
    if claims["exp"] - call.world.clock().timestamp() > _LONGEST_JWT.total_seconds() + _LEEWAY:
        raise ApiError(401, "'Expiration time' claim ('exp') is too far in the future")
    return app


def _tokens_of(world: World, app: App) -> list[Token]:
    return [token for token in world.tokens() if token.id.startswith(f"app-{app.id}-")]
