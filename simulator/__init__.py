"""A simulated EC2 and STS for `make demo` and the tests, spoken to over HTTP by unmodified boto3.

    with Simulator(delay_s=0.2) as aws:
        keys = aws.add_keys(denied=["StopInstances"])
        ids = aws.add_instances("eu-central-1", names=["playout-a-main", None], state="stopped")
        aws.instance(ids[0]).schedule_event("system-reboot", in_s=7200, deadline_s=86_400)
        aws.fault("throttle", "DescribeInstances", times=2)
        ...  # aws.url is the endpoint of both services in all regions
        assert len(aws.journal("StopInstances")) == 1

It answers from botocore's own service models instead of standing on an emulator: emulators keep one world for the
whole process, change states at once, do not page status, know no scheduled events and take seconds for some
thousand instances, so that nearly every answer would have been replaced anyway.
"""
