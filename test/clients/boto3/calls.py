"""Makes the calls that are read as JSON from standard input, with boto3, and prints what came of each as JSON.

A call is {"waiter": name, "input": …}, {"paginator": name, "input": …, "size": page size} or {"operation": name,
"input": …}. A result is {"result": …} or {"error": name of the exception or code of the service's error}.
"""

import json
import sys

import boto3
from botocore.exceptions import ClientError, WaiterError

client = boto3.client("rekognition")


def make(call):
    if "waiter" in call:
        config = {"Delay": 1, "MaxAttempts": 600}
        client.get_waiter(call["waiter"]).wait(**call["input"], WaiterConfig=config)
        return None
    if "paginator" in call:
        config = {"PageSize": call["size"]}
        pages = client.get_paginator(call["paginator"]).paginate(**call["input"], PaginationConfig=config)
        return [{key: page[key] for key in page if key != "ResponseMetadata"} for page in pages]
    answer = getattr(client, call["operation"])(**call["input"])
    answer.pop("ResponseMetadata")
    return answer


def outcome(call):
    try:
        return {"result": make(call)}
    except ClientError as error:
        return {"error": error.response["Error"]["Code"]}
    except WaiterError:
        return {"error": "WaiterError"}


json.dump([outcome(call) for call in json.load(sys.stdin)], sys.stdout, default=str)
