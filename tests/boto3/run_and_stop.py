"""Drives a control plane with unmodified boto3, as a user would, and tells what it saw.

    run_and_stop.py URL CLUSTER SUBNET TASK_DEFINITION.json

Prints one JSON object when the task runs, waits for a line on standard input, stops the task and prints another.
"""

import json
import os
import signal
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.waiter import WaiterModel, create_waiter_with_client

DEADLINE_SECONDS = 150
WRONG_SECRET = (os.environ["AWS_ACCESS_KEY_ID"], "wrong")
UNKNOWN_KEY = ("AKIDNOBODY", os.environ["AWS_SECRET_ACCESS_KEY"])


def main(url, cluster, subnet, definition_path):
    signal.alarm(DEADLINE_SECONDS)
    ecs = client(url)
    ecs.create_cluster(clusterName=cluster)
    instance = await_instance(ecs, cluster)
    with open(definition_path, encoding="utf-8") as file:
        definition = ecs.register_task_definition(**json.load(file))["taskDefinition"]
    network = {"awsvpcConfiguration": {"subnets": [subnet]}}
    launched = ecs.run_task(cluster=cluster, taskDefinition=definition["taskDefinitionArn"], networkConfiguration=network)
    arn = launched["tasks"][0]["taskArn"]
    wait(ecs, "tasks_running", cluster, arn)
    tell(
        instance=instance,
        definition=definition,
        failures=launched["failures"],
        listed=ecs.list_tasks(cluster=cluster)["taskArns"],
        task=describe(ecs, cluster, arn),
        errors=errors(ecs, url, cluster, network),
    )

    sys.stdin.readline()
    ecs.stop_task(cluster=cluster, task=arn, reason="seen enough")
    wait(ecs, "tasks_stopped", cluster, arn)
    tell(
        task=describe(ecs, cluster, arn),
        listed=ecs.list_tasks(cluster=cluster)["taskArns"],
        stopped=ecs.list_tasks(cluster=cluster, desiredStatus="STOPPED")["taskArns"],
        definition=ecs.deregister_task_definition(taskDefinition=definition["taskDefinitionArn"])["taskDefinition"],
        families=ecs.list_task_definitions(familyPrefix=definition["family"])["taskDefinitionArns"],
    )


def client(url, key_id=None, secret=None):
    # No retries and no proxy: what the control plane answers first is what counts.
    config = Config(retries={"max_attempts": 0}, proxies={})
    key = {"aws_access_key_id": key_id, "aws_secret_access_key": secret}
    return boto3.client("ecs", endpoint_url=url, config=config, **key)


def wait(ecs, name, cluster, task, delay=1):
    """boto3's own waiter, asking more often than its six seconds."""
    ecs.get_waiter(name).wait(cluster=cluster, tasks=[task], WaiterConfig={"Delay": delay, "MaxAttempts": 60})


def await_instance(ecs, cluster):
    """The container instance, once its agent is connected: boto3 has no waiter for it, so this is one of its making."""
    def acceptor(argument, state, expected):
        return {"matcher": "path", "argument": argument, "state": state, "expected": expected}

    def waiter(name, operation, acceptors):
        config = {"operation": operation, "delay": 1, "maxAttempts": 60, "acceptors": acceptors}
        return create_waiter_with_client(name, WaiterModel({"version": 2, "waiters": {name: config}}), ecs)

    registered = [acceptor("length(containerInstanceArns)", "success", 1)]
    waiter("Registered", "ListContainerInstances", registered).wait(cluster=cluster)
    arns = ecs.list_container_instances(cluster=cluster)["containerInstanceArns"]
    connected = [acceptor("containerInstances[0].agentConnected", "success", True)]
    waiter("Connected", "DescribeContainerInstances", connected).wait(cluster=cluster, containerInstances=arns)
    return ecs.describe_container_instances(cluster=cluster, containerInstances=arns)["containerInstances"][0]


def describe(ecs, cluster, task):
    return ecs.describe_tasks(cluster=cluster, tasks=[task])["tasks"][0]


def errors(ecs, url, cluster, network):
    """Code of each error by what was wrong."""
    exchange = ecs.exceptions
    tries = {
        "no such cluster": (exchange.ClusterNotFoundException, lambda: ecs.list_tasks(cluster="nowhere")),
        "no such definition": (
            exchange.ClientException,
            lambda: ecs.run_task(cluster=cluster, taskDefinition="nothing:7", networkConfiguration=network),
        ),
        "a count of eleven": (
            exchange.InvalidParameterException,
            lambda: ecs.run_task(cluster=cluster, taskDefinition="web", networkConfiguration=network, count=11),
        ),
        "a wrong secret": (ClientError, lambda: client(url, *WRONG_SECRET).list_clusters()),
        "an unknown key": (ClientError, lambda: client(url, *UNKNOWN_KEY).list_clusters()),
    }
    return {what: refused(expected, call) for what, (expected, call) in tries.items()}


def refused(expected, call):
    try:
        return f"no error: {call()}"
    except expected as error:
        return error.response["Error"]["Code"]


def tell(**facts):
    print(json.dumps(facts, default=str), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
