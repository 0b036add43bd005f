"""Apps, and the tags of all resources."""

import secrets
import string
from urllib.parse import urlsplit

from local_cloud.amplify_fake.errors import bad_request, not_found
from local_cloud.amplify_fake.state import DOMAIN, Record, Scope, page, variables

TOKENS = ("accessToken", "oauthToken")
_ID_CHARACTERS = string.ascii_lowercase + string.digits


def create_app(scope: Scope, params: Record) -> Record:
    """Answer CreateApp."""
    _check_repository(params, {})
    app_id = "d" + "".join(secrets.choice(_ID_CHARACTERS) for _ in range(13))
    app = {
        "appId": app_id,
        "appArn": scope.arn(app_id),
        "description": "",
        "repository": "",
        "platform": "WEB",
        "createTime": scope.now,
        "environmentVariables": {},
        "defaultDomain": f"{app_id}.{DOMAIN}",
        "enableBranchAutoBuild": False,
        "enableBasicAuth": False,
        "tags": {},
    }
    scope.apps[app_id] = {"app": app, "branches": {}, "domains": {}, "jobs": {}}
    return _set(scope, app, params)


def _set(scope: Scope, app: Record, params: Record) -> Record:
    kept = {name: value for name, value in params.items() if name not in TOKENS}
    app |= kept | {"environmentVariables": app["environmentVariables"]} | variables(params)
    app["updateTime"] = scope.now
    return {"app": app}


def _check_repository(params: Record, app: Record) -> None:
    repository = params.get("repository")
    if not repository or repository == app.get("repository"):
        return
    codecommit = (urlsplit(repository).hostname or "").startswith("git-codecommit.")
    if not codecommit and not any(params.get(name) for name in TOKENS):
        raise bad_request("You should at least provide one valid token.")


def get_app(scope: Scope, params: Record) -> Record:
    """Answer GetApp."""
    return {"app": scope.app(params)["app"]}


def list_apps(scope: Scope, params: Record) -> Record:
    """Answer ListApps."""
    return page("apps", [kept["app"] for kept in scope.apps.values()], params)


def update_app(scope: Scope, params: Record) -> Record:
    """Answer UpdateApp."""
    app = scope.app(params)["app"]
    _check_repository(params, app)
    return _set(scope, app, params)


def delete_app(scope: Scope, params: Record) -> Record:
    """Answer DeleteApp; all that the app has goes with it."""
    app = scope.app(params)["app"]
    del scope.apps[params["appId"]]
    return {"app": app}


def _tagged(scope: Scope, params: Record) -> Record:
    arn = params["resourceArn"]
    for kept in scope.apps.values():
        for record in (kept["app"], *kept["branches"].values()):
            if arn in (record.get("appArn"), record.get("branchArn")):
                tags: Record = record["tags"]
                return tags
    raise not_found(f"Resource {arn}")


def list_tags_for_resource(scope: Scope, params: Record) -> Record:
    """Answer ListTagsForResource."""
    return {"tags": _tagged(scope, params)}


def tag_resource(scope: Scope, params: Record) -> Record:
    """Answer TagResource."""
    _tagged(scope, params).update(params["tags"])
    return {}


def untag_resource(scope: Scope, params: Record) -> Record:
    """Answer UntagResource."""
    tags = _tagged(scope, params)
    for key in params["tagKeys"]:
        tags.pop(key, None)
    return {}
