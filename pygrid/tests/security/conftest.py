"""A web server, keys, and an issuer of tokens."""

from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from security.issuer import Issuer, ec_key, jwk, rsa_key
from security.local_web import Web, serve


@pytest.fixture
def web() -> Iterator[Web]:
    with serve() as running:
        yield running


@pytest.fixture(scope="session")
def key() -> rsa.RSAPrivateKey:
    return rsa_key()


@pytest.fixture(scope="session")
def curve_key() -> ec.EllipticCurvePrivateKey:
    return ec_key()


@pytest.fixture
def issuer(web: Web, key: rsa.RSAPrivateKey, curve_key: ec.EllipticCurvePrivateKey) -> Issuer:
    return Issuer(web, [jwk(key, "first"), jwk(curve_key, "curve", use="sig")])
