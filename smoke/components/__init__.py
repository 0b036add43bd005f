"""The checks of every component, in the order of site.yml."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smoke.components import (
    alerts,
    amplify,
    cognito,
    data_upload,
    dynamodb,
    jupyterhub,
    model_retrieval,
    network,
    post_deploy,
    pygrid,
    seed_data,
    storage,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from smoke.checks import Check
    from smoke.platform import Platform

COMPONENTS: dict[str, Callable[[Platform], Iterable[Check]]] = {
    "network": network.checks,
    "dynamodb": dynamodb.checks,
    "storage": storage.checks,
    "alerts": alerts.checks,
    "cognito": cognito.checks,
    "data_upload": data_upload.checks,
    "seed_data": seed_data.checks,
    "model_retrieval": model_retrieval.checks,
    "pygrid": pygrid.checks,
    "jupyterhub": jupyterhub.checks,
    "amplify": amplify.checks,
    "post_deploy": post_deploy.checks,
}
