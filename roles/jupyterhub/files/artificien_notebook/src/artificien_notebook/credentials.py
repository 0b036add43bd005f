"""``artificien-credentials``: AWS credentials of who is signed in.

For ``credential_process`` in a configuration file of AWS, so that boto3 and every other client of
AWS acts in the person's own name.
"""

import json
import sys
from typing import Any

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from .errors import NotebookError
from .hub import tokens
from .settings import setting

_VERSION = 1


def identities(region: str) -> Any:
    """Return a client of identity pools that signs nothing and so looks for no credentials.

    Looking for them would run this command again.
    """
    return boto3.client(
        "cognito-identity", region_name=region, config=Config(signature_version=UNSIGNED)
    )


def exchange(client: Any, identity_pool: str, provider: str, id_token: str) -> dict[str, Any]:
    """Change an ID token for what a ``credential_process`` prints.

    Raises:
        ClientError, BotoCoreError: The identity pool was not reached, or it refused.
    """
    logins = {provider: id_token}
    identity = client.get_id(IdentityPoolId=identity_pool, Logins=logins)["IdentityId"]
    given = client.get_credentials_for_identity(IdentityId=identity, Logins=logins)["Credentials"]
    return {
        "Version": _VERSION,
        "AccessKeyId": given["AccessKeyId"],
        "SecretAccessKey": given["SecretKey"],
        "SessionToken": given["SessionToken"],
        "Expiration": given["Expiration"].isoformat(),
    }


def main() -> None:
    """Print the credentials, or say in one line why there are none."""
    try:
        region = setting("AWS_REGION")
        provider = f"cognito-idp.{region}.amazonaws.com/{setting('ARTIFICIEN_USER_POOL_ID')}"
        pool = setting("ARTIFICIEN_IDENTITY_POOL_ID")
        found = exchange(identities(region), pool, provider, tokens().id_token)
    except (NotebookError, ClientError, BotoCoreError) as error:
        sys.exit(f"artificien-credentials: {error}")
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
