"""Branches, and the builds of them, of which there are records only."""

from local_cloud.amplify_fake.errors import bad_request, not_found
from local_cloud.amplify_fake.state import Record, Scope, page, variables

FAKE_BUILD = "FAKE: nothing is fetched, and nothing is built."


def create_branch(scope: Scope, params: Record) -> Record:
    """Answer CreateBranch."""
    kept, name = scope.app(params), params["branchName"]
    if name in kept["branches"]:
        raise bad_request(f"A branch with name {name} already exists.")
    branch = {
        "branchArn": scope.arn(params["appId"], "branches", name),
        "branchName": name,
        "description": "",
        "stage": "PRODUCTION",
        "displayName": name.replace("/", "-"),
        "enableNotification": False,
        "createTime": scope.now,
        "environmentVariables": {},
        "enableAutoBuild": True,
        "customDomains": [],
        "framework": "",
        "activeJobId": "",
        "totalNumberOfJobs": "0",
        "enableBasicAuth": False,
        "ttl": "5",
        "enablePullRequestPreview": False,
        "tags": {},
    }
    kept["branches"][name] = branch
    return _set(scope, branch, params)


def _set(scope: Scope, branch: Record, params: Record) -> Record:
    sent = {name: value for name, value in params.items() if name != "appId"}
    branch |= sent | {"environmentVariables": branch["environmentVariables"]} | variables(params)
    branch["updateTime"] = scope.now
    return {"branch": branch}


def get_branch(scope: Scope, params: Record) -> Record:
    """Answer GetBranch."""
    return {"branch": scope.branch(params)}


def list_branches(scope: Scope, params: Record) -> Record:
    """Answer ListBranches."""
    return page("branches", list(scope.app(params)["branches"].values()), params)


def update_branch(scope: Scope, params: Record) -> Record:
    """Answer UpdateBranch."""
    return _set(scope, scope.branch(params), params)


def delete_branch(scope: Scope, params: Record) -> Record:
    """Answer DeleteBranch."""
    kept, branch = scope.app(params), scope.branch(params)
    name = params["branchName"]
    for domain in kept["domains"].values():
        settings = [each["subDomainSetting"] for each in domain["subDomains"]]
        if name in [setting["branchName"] for setting in settings]:
            raise bad_request(f"Branch {name} is in use by the domain {domain['domainName']}.")
    del kept["branches"][name]
    kept["jobs"].pop(name, None)
    return {"branch": branch}


def start_job(scope: Scope, params: Record) -> Record:
    """Answer StartJob: a record of a build that waits for ever, since nothing builds it."""
    branch, jobs = scope.branch(params), _jobs(scope, params)
    job_id = str(len(jobs) + 1)
    summary = {
        "jobArn": f"{branch['branchArn']}/jobs/{job_id.zfill(10)}",
        "jobId": job_id,
        "commitId": params.get("commitId", "HEAD"),
        "commitMessage": FAKE_BUILD,
        "commitTime": scope.now,
        "startTime": scope.now,
        "status": "PENDING",
        "jobType": params["jobType"],
    }
    jobs.append(summary)
    branch["totalNumberOfJobs"], branch["activeJobId"] = job_id, job_id
    return {"jobSummary": summary}


def _jobs(scope: Scope, params: Record) -> list[Record]:
    scope.branch(params)
    jobs: list[Record] = scope.app(params)["jobs"].setdefault(params["branchName"], [])
    return jobs


def _job(scope: Scope, params: Record) -> Record:
    for summary in _jobs(scope, params):
        if summary["jobId"] == params["jobId"]:
            return summary
    raise not_found(f"Job {params['jobId']}")


def get_job(scope: Scope, params: Record) -> Record:
    """Answer GetJob."""
    return {"job": {"summary": _job(scope, params), "steps": []}}


def stop_job(scope: Scope, params: Record) -> Record:
    """Answer StopJob."""
    summary = _job(scope, params)
    summary |= {"status": "CANCELLED", "endTime": scope.now}
    return {"jobSummary": summary}


def list_jobs(scope: Scope, params: Record) -> Record:
    """Answer ListJobs, the newest first."""
    return page("jobSummaries", _jobs(scope, params)[::-1], params)
