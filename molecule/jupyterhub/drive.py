"""Play people who use a JupyterHub, and the operator of their user pool; prints JSON."""

from __future__ import annotations

import argparse
import asyncio
import json
import pickle
import ssl
import time
import uuid
from contextlib import suppress
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import boto3
import requests
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

PASSWORD = "Correct-Horse-7"  # noqa: S105 # pragma: allowlist secret
_PATIENCE = 90


class Form(HTMLParser):
    """The first form of a page: where it goes, and what is in it already."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take what is part of the form."""
        known = {name: value or "" for name, value in attrs}
        if tag == "form" and not self.action:
            self.action = known.get("action", "")
        if tag == "input" and "name" in known:
            self.fields.setdefault(known["name"], known.get("value", ""))


class Person:
    """Somebody with a browser, which keeps its cookies from one run to the next.

    Args:
        url: The hub's.
        name: User name in the pool.
        folder: Where cookies are kept.
        certificate: The only one that is trusted of the hub.
    """

    def __init__(self, url: str, name: str, folder: Path, certificate: str) -> None:
        self.url = url
        self.name = name
        self._certificate = certificate
        self._kept = folder / name
        self.browser = requests.Session()
        self.browser.trust_env = False
        self.browser.verify = certificate
        if self._kept.exists():
            self.browser.cookies = pickle.loads(self._kept.read_bytes())  # noqa: S301 - our own

    @property
    def server(self) -> str:
        """The address of the own server."""
        return f"{self.url}/user/{self.name.lower()}"

    def keep(self) -> None:
        """Keep the cookies for the next run."""
        self._kept.parent.mkdir(parents=True, exist_ok=True)
        self._kept.write_bytes(pickle.dumps(self.browser.cookies))

    def get(self, path: str) -> requests.Response:
        """Open a page of the hub."""
        return self.browser.get(urljoin(self.url, path), timeout=_PATIENCE)

    def log_in(self, password: str) -> requests.Response:
        """Open the hub and fill in the form that it leads to; the page that follows."""
        page = self.get("/hub/home")
        form = Form(page.text)
        if page.ok and page.url.startswith(self.url):
            # Who is signed in still is not asked for a password.
            return page
        if "password" not in form.fields:
            raise SystemExit(f"There is no form to sign in at {page.url}: {page.text[:500]}")
        answers = {"username": self.name, "password": password}
        return self.browser.post(
            urljoin(page.url, form.action), data=form.fields | answers, timeout=_PATIENCE
        )

    def spawn(self) -> dict[str, Any]:
        """Start the own server and wait until JupyterLab answers."""
        started = time.monotonic()
        page = self.get("/hub/spawn")
        if page.status_code != requests.codes.ok:
            return {"status": page.status_code, "url": page.url}
        while time.monotonic() - started < _PATIENCE:
            page = self.get(f"/user/{self.name.lower()}/lab")
            if page.ok and page.url.startswith(f"{self.server}/lab"):
                break
            time.sleep(0.5)
        return {
            "status": page.status_code,
            "url": page.url,
            "headers": dict(page.headers),
            "seconds": round(time.monotonic() - started, 1),
        }

    def run(self, code: str) -> dict[str, Any]:
        """Run code in a new kernel of the own server; what it printed, and how it ended."""
        self.get(f"/user/{self.name.lower()}/lab")
        xsrf = next(
            cookie.value
            for cookie in self.browser.cookies
            if cookie.name == "_xsrf" and cookie.path.startswith("/user/")
        )
        headers = {"X-XSRFToken": str(xsrf)}
        kernels = f"{self.server}/api/kernels"
        made = self.browser.post(kernels, headers=headers, json={}, timeout=_PATIENCE)
        made.raise_for_status()
        kernel = made.json()["id"]
        try:
            return asyncio.run(self._execute(kernel, code))
        finally:
            self.browser.delete(f"{kernels}/{kernel}", headers=headers, timeout=_PATIENCE)

    async def _execute(self, kernel: str, code: str) -> dict[str, Any]:
        page = f"{self.server}/api/kernels/{kernel}/channels"
        cookies = self.browser.cookies
        sent = requests.Request("GET", page, cookies=cookies)
        header = str(self.browser.prepare_request(sent).headers["Cookie"])
        context = ssl.create_default_context(cafile=self._certificate or None)
        request = HTTPRequest(
            page.replace("http", "ws", 1), headers={"Cookie": header}, ssl_options=context
        )
        socket = await websocket_connect(request)
        message = {
            "header": {
                "msg_id": uuid.uuid4().hex,
                "msg_type": "execute_request",
                "username": self.name,
                "session": uuid.uuid4().hex,
                "version": "5.3",
            },
            "parent_header": {},
            "metadata": {},
            "content": {"code": code, "silent": False, "stop_on_error": True},
            "channel": "shell",
        }
        await socket.write_message(json.dumps(message))
        printed = ""
        while True:
            received = await asyncio.wait_for(socket.read_message(), _PATIENCE)
            if received is None:
                raise SystemExit("The socket of the kernel was closed.")
            if isinstance(received, bytes):
                continue
            answer = json.loads(received)
            if answer["parent_header"].get("msg_id") != message["header"]["msg_id"]:  # type: ignore[index]
                continue
            content = answer["content"]
            if answer["msg_type"] == "stream":
                printed += content["text"]
            elif answer["msg_type"] == "error":
                printed += f"{content['ename']}: {content['evalue']}"
            elif answer["msg_type"] == "execute_reply":
                return {"status": content["status"], "printed": printed}

    def wait_until_out(self, seconds: int) -> dict[str, Any]:
        """Use the own server until it is refused; how long that took.

        Only the browser of somebody who is in keeps on asking: nothing else is done meanwhile.
        """
        started = time.monotonic()
        while time.monotonic() - started < seconds:
            page = self.browser.get(
                f"{self.server}/api/contents", timeout=_PATIENCE, allow_redirects=False
            )
            if page.status_code != requests.codes.ok:
                return {
                    "out": True,
                    "status": page.status_code,
                    "seconds": round(time.monotonic() - started, 1),
                }
            time.sleep(1)
        return {"out": False, "seconds": seconds}


class Pool:
    """The user pool, as its operator changes it.

    Args:
        pool: Its id.
        region: Its AWS region.
    """

    def __init__(self, pool: str, region: str) -> None:
        self._id = pool
        self._client: Any = boto3.client("cognito-idp", region_name=region)

    def add(self, name: str, groups: list[str]) -> None:
        """Add a user with the password of all, in place of one of an earlier run."""
        with suppress(self._client.exceptions.UserNotFoundException):
            self.delete(name)
        self._client.admin_create_user(
            UserPoolId=self._id,
            Username=name,
            MessageAction="SUPPRESS",
            UserAttributes=[
                {"Name": "email", "Value": f"{name}@example.com"},
                {"Name": "email_verified", "Value": "true"},
            ],
        )
        self._client.admin_set_user_password(
            UserPoolId=self._id, Username=name, Password=PASSWORD, Permanent=True
        )
        for group in groups:
            self.join(name, group)

    def join(self, name: str, group: str) -> None:
        """Put a user into a group."""
        self._client.admin_add_user_to_group(UserPoolId=self._id, Username=name, GroupName=group)

    def leave(self, name: str, group: str) -> None:
        """Take a user out of a group."""
        self._client.admin_remove_user_from_group(
            UserPoolId=self._id, Username=name, GroupName=group
        )

    def delete(self, name: str) -> None:
        """Delete a user."""
        self._client.admin_delete_user(UserPoolId=self._id, Username=name)


def seen(page: requests.Response) -> dict[str, Any]:
    """What a page is."""
    return {
        "status": page.status_code,
        "url": page.url,
        "host": urlsplit(page.url).netloc,
        "text": page.text,
    }


def main() -> None:
    """Do what the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--certificate", default="")
    parser.add_argument("--sessions", type=Path, required=True)
    parser.add_argument("--pool", required=True)
    parser.add_argument("--region", required=True)
    parser.add_argument("action")
    parser.add_argument("name")
    parser.add_argument("arguments", nargs="*")
    given = parser.parse_args()
    first = given.arguments[0] if given.arguments else ""
    person = Person(given.url, given.name, given.sessions, given.certificate)
    pool = Pool(given.pool, given.region)
    result: dict[str, Any] = {}
    match given.action:
        case "add":
            pool.add(given.name, given.arguments)
        case "join":
            pool.join(given.name, first)
        case "leave":
            pool.leave(given.name, first)
        case "delete":
            pool.delete(given.name)
        case "log-in":
            result = seen(person.log_in(first or PASSWORD))
        case "log-out":
            result = seen(person.get("/hub/logout"))
        case "spawn":
            result = person.spawn()
        case "get":
            result = seen(person.get(first))
        case "download":
            page = person.get(first)
            result = {"status": page.status_code, "bytes": len(page.content)}
        case "run":
            result = person.run(first)
        case "wait-until-out":
            result = person.wait_until_out(int(first))
        case _:
            parser.error(f"unknown action {given.action}")
    person.keep()
    print(json.dumps(result))


if __name__ == "__main__":
    main()
