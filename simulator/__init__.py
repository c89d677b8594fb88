"""A simulated EC2 and STS for `make demo` and the tests, spoken to over HTTP by unmodified boto3.

It answers from botocore's own service models instead of standing on an emulator: emulators keep one world for the
whole process, change states at once, do not page status, know no scheduled events and take seconds for some
thousand instances, so that nearly every answer would have been replaced anyway.
"""
