"""A queue beside the stand-in for S3, as its owner sees it: messages are put in, and what is left is counted."""

from __future__ import annotations

import json

import boto3


class StoreQueue:
    """A queue of the test's own on the store's server."""

    def __init__(self, name: str, store_url: str) -> None:
        self.sqs = boto3.client(
            "sqs", endpoint_url=store_url, region_name="us-east-1",
            aws_access_key_id="testing", aws_secret_access_key="testing",
        )  # fmt: skip
        self.name = name
        self.url = str(self.sqs.create_queue(QueueName=name)["QueueUrl"])

    @property
    def arn(self) -> str:
        """What a bucket's notifications are told."""
        asked = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])
        return str(asked["Attributes"]["QueueArn"])

    def send(self, body: str) -> None:
        """Any message."""
        self.sqs.send_message(QueueUrl=self.url, MessageBody=body)

    def tell(self, key: str, name: str = "ObjectCreated:Put", bucket: str | None = None) -> None:
        """What S3 says of an object (its key is URL-encoded) of a bucket, which is named like the queue."""
        about = {"bucket": {"name": bucket or self.name}, "object": {"key": key}}
        self.send(json.dumps({"Records": [{"eventVersion": "2.1", "eventName": name, "s3": about}]}))

    def left(self) -> int:
        """Messages in the queue, those that somebody holds included."""
        asked = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        told = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=asked)["Attributes"]
        return sum(int(value) for value in told.values())

    def close(self) -> None:
        """Give up the connections."""
        self.sqs.close()
