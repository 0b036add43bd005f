"""The alerts: their topic is there, and what can go wrong has an alarm that rings there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from smoke.checks import Check, require

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import ExitStack

    from smoke.platform import Platform

Alarm = tuple[str, str]
"""A metric, and what it is measured on."""

OF_HUB = (
    "ProbeSucceeded",
    "SampleDataSyncSucceeded",
    "TutorialsSyncSucceeded",
    "LargestHomeBytes",
    "BackupSucceeded",
)


def checks(platform: Platform) -> Iterator[Check]:
    """Return the checks of the alerts."""
    topic = platform.published("alerts/topic")
    prefix = f"{platform.prefix}-"

    def topic_exists(_stack: ExitStack) -> None:
        platform.client("sns").get_topic_attributes(TopicArn=topic)

    def functions_have_alarms(_stack: ExitStack) -> None:
        pages = platform.client("lambda").get_paginator("list_functions").paginate()
        names = [
            function["FunctionName"]
            for page in pages
            for function in page["Functions"]
            if function["FunctionName"].startswith(prefix)
        ]
        require(names, "there is no function")
        _require_alarms(
            platform, {(metric, name) for name in names for metric in ("Errors", "Throttles")}
        )

    def queues_have_alarms(_stack: ExitStack) -> None:
        pages = platform.client("sqs").get_paginator("list_queues")
        urls = [url for page in pages.paginate(QueueNamePrefix=prefix) for url in page["QueueUrls"]]
        names = [url.rsplit("/", 1)[-1] for url in urls if url.endswith("-dead-letters")]
        require(names, "there is no queue of dead letters")
        _require_alarms(platform, {("ApproximateNumberOfMessagesVisible", name) for name in names})

    def api_has_alarms(_stack: ExitStack) -> None:
        api = f"{prefix}api"
        _require_alarms(platform, {("5XXError", api), ("Latency", api)})

    def hub_has_alarms(_stack: ExitStack) -> None:
        _require_alarms(platform, {(metric, "jupyterhub") for metric in OF_HUB})

    remedy = "make deploy with TAGS of the component whose alarm it is."
    yield Check("the topic exists", topic_exists, "make deploy TAGS=alerts.")
    yield Check("every function has alarms", functions_have_alarms, remedy)
    yield Check("every queue of dead letters has an alarm", queues_have_alarms, remedy)
    yield Check("the API has alarms", api_has_alarms, remedy)
    no_hub = "" if platform.find("jupyterhub/url") else "there is no JupyterHub"
    yield Check("JupyterHub has alarms", hub_has_alarms, remedy, no_hub)


def alarms_of(platform: Platform) -> set[Alarm]:
    """Return what has an alarm that rings at the topic."""
    topic = platform.published("alerts/topic")
    pages: Any = platform.client("cloudwatch").get_paginator("describe_alarms").paginate()
    return {
        (alarm["MetricName"], dimension["Value"])
        for page in pages
        for alarm in page["MetricAlarms"]
        if topic in alarm.get("AlarmActions", [])
        for dimension in alarm.get("Dimensions", [])
    }


def _require_alarms(platform: Platform, wanted: set[Alarm]) -> None:
    missing = wanted - alarms_of(platform)
    named = ", ".join(f"{metric} of {name}" for metric, name in sorted(missing))
    require(not missing, f"no alarm rings for {named}")
