"""An OpenID Connect issuer: keys made here, served by a real web server."""

import json
import time
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from security.local_web import Answer, Request, Web

type PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def ec_key(curve: ec.EllipticCurve | None = None) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(curve or ec.SECP256R1())


def jwk(key: PrivateKey, kid: str, **more: str) -> dict[str, Any]:
    public = key.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        return {**RSAAlgorithm.to_jwk(public, as_dict=True), "kid": kid, **more}
    return {**ECAlgorithm.to_jwk(public, as_dict=True), "kid": kid, **more}


@dataclass
class Issuer:
    """An issuer that lists ``keys``; ``status`` other than 200 is a failing one."""

    web: Web
    keys: list[dict[str, Any]] = field(default_factory=list)
    status: int = 200

    def __post_init__(self) -> None:
        self.web.answer = self._answer

    @property
    def name(self) -> str:
        """What it calls itself."""
        return self.web.url("/pool")

    @property
    def keys_url(self) -> str:
        """Where its keys are."""
        return self.web.url("/pool/jwks")

    @property
    def paths(self) -> list[str]:
        """What it was asked for."""
        return [request.path for request in self.web.requests]

    def _answer(self, request: Request) -> Answer:
        documents = {
            "/pool/.well-known/openid-configuration": {
                "issuer": self.name,
                "jwks_uri": self.keys_url,
            },
            "/pool/jwks": {"keys": self.keys},
        }
        return Answer(self.status, json.dumps(documents[request.path]).encode())

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Those of an access token of Cognito's kind; ``None`` leaves a claim out."""
        claims = {
            "iss": self.name,
            "sub": "ada",
            "client_id": "the-client",
            "cognito:groups": ["owners"],
            "exp": time.time() + 600,
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, key: PrivateKey, kid: str = "first", **changes: Any) -> str:
        """A signed access token."""
        algorithm = "RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256"
        return jwt.encode(self.claims(**changes), key, algorithm, {"kid": kid})
