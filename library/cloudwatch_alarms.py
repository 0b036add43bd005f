#!/usr/bin/python
"""Converge a set of CloudWatch metric alarms."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cloudwatch_alarms
short_description: Converge a set of CloudWatch metric alarms
version_added: "0.1.0"
description:
  - Creates alarms of one metric each, and updates existing ones in place. The state and the history
    of an alarm stay when it is updated.
  - C(amazon.aws.cloudwatch_metric_alarm) has no tags, resets every setting that is not given, and
    takes one alarm per task.
author:
  - Artificien
attributes:
  check_mode:
    support: full
    description: Reports what would change without changing anything.
  diff_mode:
    support: full
    description: Returns the models of the changing alarms before and after.
options:
  alarms:
    description: The alarms to converge, or with I(state=absent) to delete.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - Name of the alarm. A composite alarm or one on an expression of that name is refused.
        type: str
        required: true
      description:
        description: What the alarm means and what to do, for the person who gets it.
        type: str
      namespace:
        description: Namespace of the metric, such as V(AWS/Lambda). Required for a new alarm.
        type: str
      metric:
        description: Name of the metric. Required for a new alarm.
        type: str
      dimensions:
        description: Values of the metric's dimensions by name.
        type: dict
      statistic:
        description:
          - What is computed of the metric's values in a period.
          - It or I(extended_statistic) is required for a new alarm.
        type: str
        choices: [SampleCount, Average, Sum, Minimum, Maximum]
      extended_statistic:
        description: A percentile or a trimmed statistic instead of I(statistic), such as V(p99).
        type: str
      period_seconds:
        description: Length of a period, 10, 20, 30 or a multiple of 60. Required for a new alarm.
        type: int
      evaluation_periods:
        description: Number of latest periods that are looked at. Required for a new alarm.
        type: int
      datapoints_to_alarm:
        description:
          - How many of these periods must be bad.
          - Without it, a new alarm goes off when all are.
        type: int
      threshold:
        description: What the statistic is compared with. Required for a new alarm.
        type: float
      comparison:
        description: How the statistic of a bad period compares. Required for a new alarm.
        type: str
        choices:
          - GreaterThanOrEqualToThreshold
          - GreaterThanThreshold
          - LessThanThreshold
          - LessThanOrEqualToThreshold
      treat_missing_data:
        description:
          - What a period without values counts as.
          - Without it, a new alarm waits for data, as with V(missing).
        type: str
        choices: [missing, notBreaching, breaching, ignore]
      unit:
        description:
          - Only values of this unit count. V(any) looks at no unit, as a new alarm without it does.
          - An alarm of another unit than the metric's never goes off.
        type: str
        choices:
          - any
          - None
          - Count
          - Count/Second
          - Percent
          - Seconds
          - Milliseconds
          - Microseconds
          - Bytes
          - Kilobytes
          - Megabytes
          - Gigabytes
          - Terabytes
          - Bits
          - Kilobits
          - Megabits
          - Gigabits
          - Terabits
          - Bytes/Second
          - Kilobytes/Second
          - Megabytes/Second
          - Gigabytes/Second
          - Terabytes/Second
          - Bits/Second
          - Kilobits/Second
          - Megabits/Second
          - Gigabits/Second
          - Terabits/Second
      alarm_actions:
        description: ARNs of what is told when the alarm goes off.
        type: list
        elements: str
      ok_actions:
        description: ARNs of what is told when all is well again.
        type: list
        elements: str
      insufficient_data_actions:
        description: ARNs of what is told when data are missing.
        type: list
        elements: str
      actions_enabled:
        description: Whether anything is told. Without it, a new alarm tells.
        type: bool
      tags:
        description: Tags of the alarm.
        type: dict
  purge_tags:
    description: Whether tags that are not listed are removed. Those of AWS itself always stay.
    type: bool
    default: true
  state:
    description: Whether the alarms exist.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Tell when orders fail
  cloudwatch_alarms:
    alarms:
      - name: shop-prod-order-errors
        description: The order function fails; see its log.
        namespace: AWS/Lambda
        metric: Errors
        dimensions:
          FunctionName: shop-prod-orders
        statistic: Sum
        period_seconds: 300
        evaluation_periods: 3
        datapoints_to_alarm: 2
        threshold: 1
        comparison: GreaterThanOrEqualToThreshold
        treat_missing_data: notBreaching
        alarm_actions:
          - arn:aws:sns:us-east-1:111122223333:shop-prod-alerts
        tags:
          owner: shop

- name: Delete the alarm
  cloudwatch_alarms:
    state: absent
    alarms:
      - name: shop-prod-order-errors
"""

RETURN = r"""
alarms:
  description:
    - The alarms by name as they are now, or in check mode would be.
    - Of an alarm that is made in this run, only the settings that were given. C(statistic) holds
      either kind of statistic, C(other) what this module does not manage.
  returned: when I(state=present)
  type: dict
  sample:
    shop-prod-order-errors:
      arn: arn:aws:cloudwatch:us-east-1:111122223333:alarm:shop-prod-order-errors
      description: The order function fails; see its log.
      namespace: AWS/Lambda
      metric: Errors
      dimensions: {FunctionName: shop-prod-orders}
      statistic: Sum
      period_seconds: 300
      evaluation_periods: 3
      datapoints_to_alarm: 2
      threshold: 1.0
      comparison: GreaterThanOrEqualToThreshold
      treat_missing_data: notBreaching
      unit: any
      alarm_actions: ["arn:aws:sns:us-east-1:111122223333:shop-prod-alerts"]
      ok_actions: []
      insufficient_data_actions: []
      actions_enabled: true
      tags: {owner: shop}
      other: {}
"""

from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.alarms import (
    COMPARISONS,
    MISSING_DATA,
    STATISTICS,
    UNITS,
    apply_alarm,
    desired_alarm,
    plan_alarm,
    read_alarms,
)
from ansible.module_utils.artificien.aws import client, converge, result
from ansible.module_utils.artificien.reconcile import make_plan
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

if TYPE_CHECKING:
    from ansible.module_utils.artificien.reconcile import Plan
    from mypy_boto3_cloudwatch import CloudWatchClient

ALARM = {
    "name": {"type": "str", "required": True},
    "description": {"type": "str"},
    "namespace": {"type": "str"},
    "metric": {"type": "str"},
    "dimensions": {"type": "dict"},
    "statistic": {"type": "str", "choices": STATISTICS},
    "extended_statistic": {"type": "str"},
    "period_seconds": {"type": "int"},
    "evaluation_periods": {"type": "int"},
    "datapoints_to_alarm": {"type": "int"},
    "threshold": {"type": "float"},
    "comparison": {"type": "str", "choices": COMPARISONS},
    "treat_missing_data": {"type": "str", "choices": MISSING_DATA},
    "unit": {"type": "str", "choices": UNITS},
    "alarm_actions": {"type": "list", "elements": "str"},
    "ok_actions": {"type": "list", "elements": "str"},
    "insufficient_data_actions": {"type": "list", "elements": "str"},
    "actions_enabled": {"type": "bool"},
    "tags": {"type": "dict"},
}
ARGUMENT_SPEC = {
    "alarms": {"type": "list", "elements": "dict", "required": True, "options": ALARM},
    "purge_tags": {"type": "bool", "default": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def plan_alarms(client: CloudWatchClient, params: dict[str, Any]) -> list[Plan]:
    """Plan the listed alarms: as wanted, or with I(state=absent) gone."""
    names = [alarm["name"] for alarm in params["alarms"]]
    present = read_alarms(client, names)
    if params["state"] == "absent":
        return [make_plan(name, present.get(name), None) for name in names]
    return [
        plan_alarm(
            alarm["name"],
            present.get(alarm["name"]),
            desired_alarm(alarm),
            purge_tags=params["purge_tags"],
        )
        for alarm in params["alarms"]
    ]


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    cloudwatch = client(module, "cloudwatch")
    plans = converge(
        module,
        lambda: plan_alarms(cloudwatch, module.params),
        lambda plan: apply_alarm(cloudwatch, plan),
    )
    if module.params["state"] == "absent":
        module.exit_json(**result(plans))
    module.exit_json(alarms={plan.name: plan.after for plan in plans}, **result(plans))


if __name__ == "__main__":
    main()
