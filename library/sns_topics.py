#!/usr/bin/python
"""Converge a set of SNS topics."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sns_topics
short_description: Converge a set of SNS topics
version_added: "0.1.0"
description:
  - Creates standard SNS topics with their policy, encryption, subscriptions and tags, and updates
    existing ones in place.
  - C(community.aws.sns_topic) fails in check mode where the topic does not exist yet, has no
    encryption, and returns no diff.
author:
  - Artificien
attributes:
  check_mode:
    support: full
    description: Reports what would change without changing anything.
  diff_mode:
    support: full
    description: Returns the models of the changing topics before and after.
options:
  topics:
    description: The topics to converge, or with I(state=absent) to delete with their subscriptions.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the topic.
        type: str
        required: true
      display_name:
        description: Name that mails show as their sender.
        type: str
      policy:
        description:
          - Who may do what with the topic, besides what IAM allows to the account's own roles.
          - Without it a new topic is open to the whole account and to no service.
        type: dict
      kms_key:
        description:
          - ARN of the KMS key that encrypts the messages, or V(none).
          - The key's policy must allow each AWS service that publishes C(kms:Decrypt) and
            C(kms:GenerateDataKey*). The policy of C(alias/aws/sns) allows none, and is not ours to
            change.
        type: str
      subscriptions:
        description:
          - Who gets the messages. Others that were confirmed are ended.
          - One that was never confirmed cannot be ended; AWS forgets it after some days. A listed
            one is then made again.
        type: list
        elements: dict
        suboptions:
          protocol:
            description:
              - Way in which the messages are delivered. All but V(lambda) and V(sqs) start when the
                recipient has confirmed.
            type: str
            choices: [email, email-json, http, https, lambda, sqs]
            required: true
          endpoint:
            description: Address, URL or ARN of the recipient.
            type: str
            required: true
      tags:
        description: Tags of the topic.
        type: dict
  purge_tags:
    description: Whether tags that are not listed are removed. Those of AWS itself always stay.
    type: bool
    default: true
  state:
    description: Whether the topics exist.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Create the topic of the shop's alarms
  sns_topics:
    topics:
      - name: shop-prod-alerts
        kms_key: none
        policy:
          Version: "2012-10-17"
          Statement:
            - Effect: Allow
              Principal: {Service: cloudwatch.amazonaws.com}
              Action: SNS:Publish
              Resource: arn:aws:sns:us-east-1:111122223333:shop-prod-alerts
              Condition: {StringEquals: {"aws:SourceAccount": "111122223333"}}
        subscriptions:
          - protocol: email
            endpoint: ops@example.com
        tags:
          owner: shop

- name: Delete the topic
  sns_topics:
    state: absent
    topics:
      - name: shop-prod-alerts
"""

RETURN = r"""
topics:
  description:
    - The topics by name as they are now, or in check mode would be.
    - Of a topic that is made in this run, only its ARN and the settings that were given.
  returned: when I(state=present)
  type: dict
  sample:
    shop-prod-alerts:
      arn: arn:aws:sns:us-east-1:111122223333:shop-prod-alerts
      display_name: ""
      kms_key: none
      policy: {}
      subscriptions: {"email:ops@example.com": pending}
      tags: {owner: shop}
"""

from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.aws import client, converge, read_account, result
from ansible.module_utils.artificien.reconcile import make_plan
from ansible.module_utils.artificien.sns import (
    apply_topic,
    desired_topic,
    plan_topic,
    read_topic,
    topic_arn,
)
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

if TYPE_CHECKING:
    from ansible.module_utils.artificien.reconcile import Plan
    from mypy_boto3_sns import SNSClient

SUBSCRIPTION = {
    "protocol": {
        "type": "str",
        "choices": ["email", "email-json", "http", "https", "lambda", "sqs"],
        "required": True,
    },
    "endpoint": {"type": "str", "required": True},
}
TOPIC = {
    "name": {"type": "str", "required": True},
    "display_name": {"type": "str"},
    "policy": {"type": "dict"},
    "kms_key": {"type": "str", "no_log": False},
    "subscriptions": {"type": "list", "elements": "dict", "options": SUBSCRIPTION},
    "tags": {"type": "dict"},
}
ARGUMENT_SPEC = {
    "topics": {"type": "list", "elements": "dict", "required": True, "options": TOPIC},
    "purge_tags": {"type": "bool", "default": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def plan_topics(client: SNSClient, account: str, params: dict[str, Any]) -> list[Plan]:
    """Plan the listed topics: as wanted, or with I(state=absent) gone."""
    plans = []
    for topic in params["topics"]:
        name = topic["name"]
        arn = topic_arn(client, account, name)
        current = read_topic(client, arn)
        if params["state"] == "absent":
            plans.append(make_plan(name, current, None))
        else:
            desired = desired_topic(topic, arn)
            plans.append(plan_topic(name, current, desired, purge_tags=params["purge_tags"]))
    return plans


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    sns, sts = client(module, "sns"), client(module, "sts")
    plans = converge(
        module,
        lambda: plan_topics(sns, read_account(sts), module.params),
        lambda plan: apply_topic(sns, plan),
    )
    if module.params["state"] == "absent":
        module.exit_json(**result(plans))
    module.exit_json(topics={plan.name: plan.after for plan in plans}, **result(plans))


if __name__ == "__main__":
    main()
