"""Tell the emulator of the hosts' image, and ask it which hosts ended with its predecessor.

Executed by the interpreter of the emulator's own environment, which has the AWS SDK.
"""

import json
import platform
import sys
from typing import Any

IMAGE_NAME = "debian-12-local"
ACCOUNT_ID = "000000000000"


def register(ec2: Any, image: str) -> bool:
    """Register the image under its name, in place of an older one; tells whether it was not."""
    found = ec2.describe_images(
        Owners=[ACCOUNT_ID], Filters=[{"Name": "name", "Values": [IMAGE_NAME]}]
    )["Images"]
    # The emulator does not tell the location, so the description holds it too.
    if any(each["Description"] == image for each in found):
        return False
    for each in found:
        ec2.deregister_image(ImageId=each["ImageId"])
    ec2.register_image(
        Name=IMAGE_NAME,
        Description=image,
        ImageLocation=image,
        RootDeviceName="/dev/xvda",
        VirtualizationType="hvm",
        Architecture={"aarch64": "arm64"}.get(platform.machine(), "x86_64"),
    )
    return True


def lost_hosts(ec2: Any) -> list[str]:
    """Return the names of instances that were running when the emulator ended."""
    pages = ec2.get_paginator("describe_instances").paginate()
    instances = [
        (
            {tag["Key"]: tag["Value"] for tag in instance.get("Tags", [])}.get("Name", ""),
            instance["State"]["Name"],
        )
        for page in pages
        for reservation in page["Reservations"]
        for instance in reservation["Instances"]
    ]
    running = {name for name, state in instances if state == "running"}
    return sorted({name for name, state in instances if state == "terminated"} - running - {""})


def main() -> None:
    """Print as JSON whether the image was registered, and which hosts were lost."""
    import boto3  # noqa: PLC0415 - only the emulator's environment has it

    endpoint_url, region, image = sys.argv[1:]
    ec2 = boto3.client(
        "ec2",
        endpoint_url=endpoint_url,
        region_name=region,
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 - the emulator's own root user
    )
    print(json.dumps({"registered": register(ec2, image), "lost": lost_hosts(ec2)}))


if __name__ == "__main__":
    main()
