"""The examples from apply to destroy against a local AWS, with what was seen on the way."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import boto3
import yaml
from botocore.exceptions import ClientError

from headwater.demo.aws_server import LocalAws, start
from headwater.ingest.notice import read_notice
from support.terraform import Terraform, init_arguments

CENTRAL_ID = "999988887777"
PAYMENTS_ID = "111122223333"
WEB_ID = "444455556666"
EXTERNAL_ID = "example-external-id"
STATE_BUCKET = "headwater-terraform-state"
ARRIVAL_S = 20.0

RunFactory = Callable[[str], Terraform]


@dataclass(frozen=True)
class Lifecycle:
    """What one example did. replanned: changes of a second plan; left: resources after destroy."""

    outputs: Mapping[str, Any]
    values: Mapping[str, Any]
    replanned: Sequence[str]
    announced: Sequence[str]
    left: Sequence[str]
    removal: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)
    reader: Mapping[str, str] = dataclasses.field(default_factory=dict)


def minimal(terraform: Terraform) -> Lifecycle:
    """examples/minimal: one central and one customer account, with the worker on ECS."""
    with start(pending_subscriptions=True) as aws:
        terraform = dataclasses.replace(terraform, environment=aws.environment)
        customer = _session(aws, PAYMENTS_ID)
        customer.create_bucket(Bucket="payments-logs")
        terraform.variables(_minimal_variables())
        with _confirming(aws, f"{aws.url}/{CENTRAL_ID}/headwater-intake"):
            terraform.run("apply", "-auto-approve", "-no-color")
        outputs = terraform.outputs()
        state = json.loads(terraform.run("show", "-json"))
        replanned = _changes(terraform)
        customer.put_object(Bucket="payments-logs", Key="AWSLogs/a.json", Body=b"{}")
        customer.put_object(Bucket="payments-logs", Key="private/a.json", Body=b"{}")
        announced = list(_announced(aws, outputs["platform"]["queue_url"], 1))
        reader = _reader_answers(aws, outputs["platform"]["worker_role_arn"], outputs["customer"]["role_arn"])
        terraform.run("destroy", "-auto-approve", "-no-color")
        left = terraform.run("state", "list").split()
    return Lifecycle(outputs, state["values"], replanned, announced, left, reader=reader)


def many_accounts(terraform_of: RunFactory, states: Path) -> Lifecycle:
    """examples/many-accounts: the central root, then one state per account and region, in parallel."""
    with start() as aws:
        _static(aws, "s3").create_bucket(Bucket=STATE_BUCKET)
        _make_buckets(aws)
        central = _in_state(terraform_of("central"), aws, states, "central")
        accounts = [
            _in_state(terraform_of("account"), aws, states, f"accounts/{account}/{region}")
            for account, region in ((PAYMENTS_ID, "us-east-1"), (PAYMENTS_ID, "eu-central-1"), (WEB_ID, "us-east-1"))
        ]
        central.run("apply", "-auto-approve", "-no-color", *CENTRAL_VARIABLES)
        home, *others = accounts
        home.run("apply", "-auto-approve", "-no-color", *_account_variables(home))
        _in_parallel(lambda one: one.run("apply", "-auto-approve", "-no-color", *_account_variables(one)), others)
        every = [(central, CENTRAL_VARIABLES), *((one, _account_variables(one)) for one in accounts)]
        replanned = [change for one, variables in every for change in _changes(one, *variables)]
        outputs = {"central": central.outputs(), "home": home.outputs()}
        outputs |= {"edge": others[0].outputs(), "web": others[1].outputs()}
        _session(aws, WEB_ID).put_object(Bucket="web-waf-logs", Key="waf/a.json", Body=b"{}")
        _session(aws, PAYMENTS_ID).put_object(Bucket="payments-logs", Key="alb/a.log", Body=b"{}")
        announced = list(_announced(aws, outputs["central"]["platform"]["queue_url"], 2))
        removal = _removal_of_middle_source(home)
        _in_parallel(lambda one: one.run("destroy", "-auto-approve", "-no-color", *_account_variables(one)), accounts)
        central.run("destroy", "-auto-approve", "-no-color", *CENTRAL_VARIABLES)
        left = [address for one, _ in every for address in one.run("state", "list").split()]
    return Lifecycle(outputs, {}, replanned, announced, left, removal)


CENTRAL_VARIABLES = ("-var=deploy_role_name=OrganizationAccountAccessRole", "-var=trial=true")


def _minimal_variables() -> Mapping[str, Any]:
    return {
        "central_account_id": CENTRAL_ID,
        "customer_account_id": PAYMENTS_ID,
        "external_id": EXTERNAL_ID,
        "bucket": "payments-logs",
        "bucket_notifications_checked": True,
        "trial": True,
        "worker": {"image": f"{CENTRAL_ID}.dkr.ecr.us-east-1.amazonaws.com/headwater:0.1.0"},
    }


def _in_state(terraform: Terraform, aws: LocalAws, states: Path, key: str) -> Terraform:
    """The same root with a data folder and an S3 state of its own."""
    data = states / key
    data.mkdir(parents=True)
    own = dataclasses.replace(terraform, environment=aws.environment | {"TF_DATA_DIR": str(data)})
    backend = (f"bucket={STATE_BUCKET}", f"key={key}/terraform.tfstate", "region=us-east-1", "use_lockfile=true")
    own.run(*init_arguments(), "-lockfile=readonly", *(f"-backend-config={setting}" for setting in backend))
    return own


def _account_variables(terraform: Terraform) -> tuple[str, ...]:
    """Account and region of a state, read from its data folder accounts/<id>/<region>."""
    account, region = Path(terraform.environment["TF_DATA_DIR"]).parts[-2:]
    return (f"-var=account_id={account}", f"-var=region={region}", "-var=bucket_notifications_checked=true")


def _make_buckets(aws: LocalAws) -> None:
    _session(aws, PAYMENTS_ID).create_bucket(Bucket="payments-logs")
    _session(aws, PAYMENTS_ID, "eu-central-1").create_bucket(
        Bucket="payments-edge-logs", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    web = _session(aws, WEB_ID)
    web.create_bucket(Bucket="web-archive-logs")
    web.create_bucket(Bucket="web-waf-logs")
    web.put_bucket_notification_configuration(  # the customer's own setting
        Bucket="web-waf-logs", NotificationConfiguration={"EventBridgeConfiguration": {}}
    )


def _changes(terraform: Terraform, *variables: str) -> list[str]:
    """Addresses that a plan would change."""
    return list(_planned_actions(terraform, *variables))


def _planned_actions(terraform: Terraform, *variables: str) -> Mapping[str, Sequence[str]]:
    file = Path(terraform.environment.get("TF_DATA_DIR", str(terraform.folder))) / "plan.tfplan"
    terraform.run("plan", f"-out={file}", "-lock=false", "-no-color", *variables)
    plan = json.loads(terraform.run("show", "-json", str(file)))
    changes = {change["address"]: change["change"]["actions"] for change in plan.get("resource_changes", [])}
    return {address: actions for address, actions in changes.items() if actions not in (["no-op"], ["read"])}


def _removal_of_middle_source(terraform: Terraform) -> Mapping[str, Sequence[str]]:
    """The plan after the second of the account's sources has left accounts.yml."""
    document = yaml.safe_load((terraform.folder / "../accounts.yml").read_text())
    del document["accounts"][0]["sources"][1]
    shorter = Path(terraform.environment["TF_DATA_DIR"]) / "accounts.yml"
    shorter.write_text(yaml.safe_dump(document))
    return _planned_actions(terraform, *_account_variables(terraform), f"-var=accounts_file={shorter}")


def _announced(aws: LocalAws, queue_url: str, count: int) -> Iterator[str]:
    """Keys of the objects announced on the queue, test events left out, until there are `count`."""
    queue = _client(aws, "sqs", f"arn:aws:iam::{CENTRAL_ID}:role/OrganizationAccountAccessRole")
    deadline = time.monotonic() + ARRIVAL_S
    while count > 0 and time.monotonic() < deadline:
        for message in queue.receive_message(QueueUrl=queue_url, WaitTimeSeconds=1).get("Messages", []):
            for key in _keys(json.loads(message["Body"])):
                count -= 1
                yield key


def _keys(body: Mapping[str, Any]) -> list[str]:
    if "detail" in body:
        return [body["detail"]["object"]["key"]]
    return [record["s3"]["object"]["key"].replace("%2F", "/") for record in body.get("Records", [])]


@contextmanager
def _confirming(aws: LocalAws, queue_url: str) -> Iterator[None]:
    """Meanwhile confirm subscriptions as the worker does; without that AWS, and Terraform, would wait in vain."""
    done = Event()
    with ThreadPoolExecutor(1) as pool:
        confirming = pool.submit(_confirm_until, done, aws, queue_url)
        try:
            yield
        finally:
            done.set()
            confirming.result()


def _confirm_until(done: Event, aws: LocalAws, queue_url: str) -> None:
    role_arn = f"arn:aws:iam::{CENTRAL_ID}:role/OrganizationAccountAccessRole"
    queue, topics = _client(aws, "sqs", role_arn), _client(aws, "sns", role_arn)
    while not done.wait(1):
        with suppress(queue.exceptions.QueueDoesNotExist):
            for message in queue.receive_message(QueueUrl=queue_url).get("Messages", []):
                asked = read_notice(message["Body"]).confirmation
                if asked is not None:
                    topics.confirm_subscription(TopicArn=asked.topic_arn, Token=asked.token)
                queue.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])


def _reader_answers(aws: LocalAws, worker_arn: str, reader_arn: str) -> Mapping[str, str]:
    """What the worker gets to hear when it assumes the reader role and reads."""
    sts = _client(aws, "sts", worker_arn)
    right = sts.assume_role(RoleArn=reader_arn, RoleSessionName="worker", ExternalId=EXTERNAL_ID)
    s3 = boto3.client("s3", endpoint_url=aws.url, region_name="us-east-1", **_keys_of(right))
    calls: Mapping[str, Callable[[], Any]] = {
        "wrong external id": lambda: sts.assume_role(RoleArn=reader_arn, RoleSessionName="worker", ExternalId="wrong"),
        "no external id": lambda: sts.assume_role(RoleArn=reader_arn, RoleSessionName="worker"),
        "its prefix": lambda: s3.get_object(Bucket="payments-logs", Key="AWSLogs/a.json"),
        "another prefix": lambda: s3.get_object(Bucket="payments-logs", Key="private/a.json"),
        "a write": lambda: s3.put_object(Bucket="payments-logs", Key="AWSLogs/b.json", Body=b""),
    }
    return {name: _answer(call) for name, call in calls.items()}


def _answer(call: Callable[[], Any]) -> str:
    try:
        call()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "ok"


def _session(aws: LocalAws, account_id: str, region: str = "us-east-1") -> Any:
    """An S3 client of one account's administrator."""
    return _client(aws, "s3", f"arn:aws:iam::{account_id}:role/OrganizationAccountAccessRole", region)


def _client(aws: LocalAws, service: str, role_arn: str, region: str = "us-east-1") -> Any:
    assumed = _static(aws, "sts").assume_role(RoleArn=role_arn, RoleSessionName="test")
    return boto3.client(service, endpoint_url=aws.url, region_name=region, **_keys_of(assumed))


def _static(aws: LocalAws, service: str) -> Any:
    """A client of the static credentials, which may do everything."""
    arguments: Mapping[str, Any] = aws.client_arguments
    return boto3.client(service, **arguments)


def _keys_of(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    credentials = answer["Credentials"]
    return {
        "aws_access_key_id": credentials["AccessKeyId"],
        "aws_secret_access_key": credentials["SecretAccessKey"],
        "aws_session_token": credentials["SessionToken"],
    }


def _in_parallel(call: Callable[[Terraform], str], every: Sequence[Terraform]) -> None:
    with ThreadPoolExecutor(len(every)) as pool:
        list(pool.map(call, every))
