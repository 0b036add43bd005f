"""The state of an account tells every resource more, and every setting that changed."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from tests.cloud import emulator
from tests.state import state_of
from tests.state.services import service as clients

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.cloud import Cloud

DENIAL = {"Effect": "Deny", "Action": "s3:GetObject"}
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [DENIAL | {"Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}],
    }
)
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [DENIAL | {"Resource": "*"}]})
ROLE = "arn:aws:iam::000000000000:role/one"
KEYS: dict[str, Any] = {
    "AttributeDefinitions": [{"AttributeName": "key", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "key", "KeyType": "HASH"}],
    "BillingMode": "PAY_PER_REQUEST",
}


def package() -> bytes:
    """Return the code of a function."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("handler.py", "def handle(event, context): ...\n")
    return content.getvalue()


class Account:
    """An emulated account, and what the steps of these tests made in it."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.made: dict[str, str] = {}

    def __getattr__(self, service: str) -> Any:
        """Return a client of a service, whose hyphens are underscores here."""
        return clients(self.cloud, service.rstrip("_").replace("_", "-"))


def pool(account: Account) -> None:
    """Make a user pool."""
    made = account.cognito_idp.create_user_pool(PoolName="one")
    account.made["pool"] = made["UserPool"]["Id"]


def vpc(account: Account) -> None:
    """Make a VPC."""
    account.made["vpc"] = account.ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]


def api(account: Account) -> None:
    """Make an API."""
    account.made["api"] = account.apigateway.create_rest_api(name="one")["id"]


def app(account: Account) -> None:
    """Make an app of Amplify."""
    account.made["app"] = account.amplify.create_app(name="one")["app"]["appId"]


def zone(account: Account) -> None:
    """Make a zone."""
    made = account.route53.create_hosted_zone(Name="example.com", CallerReference="1")
    account.made["zone"] = made["HostedZone"]["Id"]


BUDGET = {
    "BudgetName": "one",
    "BudgetType": "COST",
    "TimeUnit": "MONTHLY",
    "BudgetLimit": {"Amount": "1", "Unit": "USD"},
}

# In order: later steps change what earlier ones made.
STEPS: dict[str, Callable[[Account], object]] = {
    "a role": lambda a: a.iam.create_role(RoleName="one", AssumeRolePolicyDocument=POLICY),
    "a tag of a role": lambda a: a.iam.tag_role(RoleName="one", Tags=[{"Key": "a", "Value": "b"}]),
    "an inline policy": lambda a: a.iam.put_role_policy(
        RoleName="one", PolicyName="in", PolicyDocument=POLICY
    ),
    "a policy": lambda a: a.iam.create_policy(PolicyName="one", PolicyDocument=POLICY),
    "a version of a policy": lambda a: a.iam.create_policy_version(
        PolicyArn="arn:aws:iam::000000000000:policy/one", PolicyDocument=POLICY
    ),
    "an attachment": lambda a: a.iam.attach_role_policy(
        RoleName="one", PolicyArn="arn:aws:iam::000000000000:policy/one"
    ),
    "an instance profile": lambda a: a.iam.create_instance_profile(InstanceProfileName="one"),
    "its role": lambda a: a.iam.add_role_to_instance_profile(
        InstanceProfileName="one", RoleName="one"
    ),
    "a table": lambda a: a.dynamodb.create_table(TableName="one", **KEYS),
    "recovery of a table": lambda a: a.dynamodb.update_continuous_backups(
        TableName="one", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    ),
    "an item": lambda a: a.dynamodb.put_item(TableName="one", Item={"key": {"S": "1"}}),
    "a bucket": lambda a: a.s3.create_bucket(Bucket="one"),
    "versions of a bucket": lambda a: a.s3.put_bucket_versioning(
        Bucket="one", VersioningConfiguration={"Status": "Enabled"}
    ),
    "an object": lambda a: a.s3.put_object(Bucket="one", Key="object", Body=b"1"),
    "the content of an object": lambda a: a.s3.put_object(Bucket="one", Key="object", Body=b"2"),
    "a parameter": lambda a: a.ssm.put_parameter(Name="/one", Value="1", Type="String"),
    "the value of a parameter": lambda a: a.ssm.put_parameter(
        Name="/one", Value="2", Type="String", Overwrite=True
    ),
    "a secret": lambda a: a.secretsmanager.create_secret(Name="one", SecretString="1"),
    "a tag of a secret": lambda a: a.secretsmanager.tag_resource(
        # pragma: allowlist nextline secret
        SecretId="one",
        Tags=[{"Key": "a", "Value": "b"}],
    ),
    "a queue": lambda a: a.sqs.create_queue(QueueName="one"),
    "how long a queue keeps messages": lambda a: a.sqs.set_queue_attributes(
        QueueUrl=a.sqs.get_queue_url(QueueName="one")["QueueUrl"],
        Attributes={"MessageRetentionPeriod": "60"},
    ),
    "a topic": lambda a: a.sns.create_topic(Name="one"),
    "a subscription": lambda a: a.sns.subscribe(
        TopicArn="arn:aws:sns:us-east-1:000000000000:one",
        Protocol="email",
        Endpoint="ops@example.com",
    ),
    "a function": lambda a: a.lambda_.create_function(
        FunctionName="one",
        Runtime="python3.13",
        Role=ROLE,
        Handler="handler.handle",
        Code={"ZipFile": package()},
    ),
    "the memory of a function": lambda a: a.lambda_.update_function_configuration(
        FunctionName="one", MemorySize=256
    ),
    "who may call a function": lambda a: a.lambda_.add_permission(
        FunctionName="one",
        StatementId="one",
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
    ),
    "a mapping": lambda a: a.lambda_.create_event_source_mapping(
        FunctionName="one", EventSourceArn="arn:aws:sqs:us-east-1:000000000000:one"
    ),
    "an API": api,
    "a validator": lambda a: a.apigateway.create_request_validator(
        restApiId=a.made["api"], name="one"
    ),
    "the account's role": lambda a: a.apigateway.update_account(
        patchOperations=[{"op": "replace", "path": "/cloudwatchRoleArn", "value": ROLE}]
    ),
    "a user pool": pool,
    "the policy of passwords": lambda a: a.cognito_idp.update_user_pool(
        UserPoolId=a.made["pool"], Policies={"PasswordPolicy": {"MinimumLength": 6}}
    ),
    "a client": lambda a: a.cognito_idp.create_user_pool_client(
        UserPoolId=a.made["pool"], ClientName="one"
    ),
    "a second client of the same name": lambda a: a.cognito_idp.create_user_pool_client(
        UserPoolId=a.made["pool"], ClientName="one"
    ),
    "a group": lambda a: a.cognito_idp.create_group(UserPoolId=a.made["pool"], GroupName="one"),
    "a user": lambda a: a.cognito_idp.admin_create_user(UserPoolId=a.made["pool"], Username="ada"),
    "a member of a group": lambda a: a.cognito_idp.admin_add_user_to_group(
        UserPoolId=a.made["pool"], Username="ada", GroupName="one"
    ),
    "a domain": lambda a: a.cognito_idp.create_user_pool_domain(
        UserPoolId=a.made["pool"], Domain="one"
    ),
    "an identity pool": lambda a: a.cognito_identity.create_identity_pool(
        IdentityPoolName="one", AllowUnauthenticatedIdentities=False
    ),
    "a log group": lambda a: a.logs.create_log_group(logGroupName="one"),
    "how long logs are kept": lambda a: a.logs.put_retention_policy(
        logGroupName="one", retentionInDays=30
    ),
    "an alarm": lambda a: a.cloudwatch.put_metric_alarm(
        AlarmName="one", EvaluationPeriods=1, ComparisonOperator="GreaterThanThreshold"
    ),
    "the threshold of an alarm": lambda a: a.cloudwatch.put_metric_alarm(
        AlarmName="one",
        EvaluationPeriods=1,
        ComparisonOperator="GreaterThanThreshold",
        Threshold=2,
    ),
    "a budget": lambda a: a.budgets.create_budget(AccountId="000000000000", Budget=BUDGET),
    "a VPC": vpc,
    "names in a VPC": lambda a: a.ec2.modify_vpc_attribute(
        VpcId=a.made["vpc"], EnableDnsHostnames={"Value": True}
    ),
    "a subnet": lambda a: a.ec2.create_subnet(VpcId=a.made["vpc"], CidrBlock="10.1.0.0/24"),
    "an internet gateway": lambda a: a.ec2.create_internet_gateway(),
    "a second one without a name": lambda a: a.ec2.create_internet_gateway(),
    "a route table": lambda a: a.ec2.create_route_table(VpcId=a.made["vpc"]),
    "a security group": lambda a: a.ec2.create_security_group(
        GroupName="one", Description="one", VpcId=a.made["vpc"]
    ),
    "an endpoint": lambda a: a.ec2.create_vpc_endpoint(
        VpcId=a.made["vpc"], ServiceName="com.amazonaws.us-east-1.s3"
    ),
    "a flow log": lambda a: a.ec2.create_flow_logs(
        ResourceIds=[a.made["vpc"]],
        ResourceType="VPC",
        TrafficType="ALL",
        LogGroupName="one",
        DeliverLogsPermissionArn=ROLE,
    ),
    "an address": lambda a: a.ec2.allocate_address(Domain="vpc"),
    "a launch template": lambda a: a.ec2.create_launch_template(
        LaunchTemplateName="one", LaunchTemplateData={"InstanceType": "t3.micro"}
    ),
    "an instance": lambda a: a.ec2.run_instances(ImageId="ami-1", MinCount=1, MaxCount=1),
    "a front end": app,
    "a branch": lambda a: a.amplify.create_branch(appId=a.made["app"], branchName="master"),
    "a zone": zone,
    "a record": lambda a: a.route53.change_resource_record_sets(
        HostedZoneId=a.made["zone"],
        ChangeBatch={
            "Changes": [
                {
                    "Action": "CREATE",
                    "ResourceRecordSet": {
                        "Name": "www.example.com",
                        "Type": "A",
                        "TTL": 60,
                        "ResourceRecords": [{"Value": "192.0.2.1"}],
                    },
                }
            ]
        },
    ),
    "a certificate": lambda a: a.acm.request_certificate(
        DomainName="example.com", ValidationMethod="DNS"
    ),
    "a name of an API": lambda a: a.apigateway.create_domain_name(domainName="api.example.com"),
}


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """Return an account that nobody else uses."""
    with emulator(tmp_path_factory.mktemp("state")) as cloud:
        yield Account(cloud)


def test_every_step_changes_the_state_and_looking_does_not(account: Account) -> None:
    before = state_of(account.cloud)
    for name, step in STEPS.items():
        step(account)
        after = state_of(account.cloud)
        assert after != before, f"{name} is not told"
        before = after
    assert state_of(account.cloud) == before
