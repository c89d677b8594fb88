"""The codes with which AWS says that it is asked too often (EC2 API error codes; STS uses the same)."""

THROTTLES = (
    "RequestLimitExceeded",
    "Throttling",
    "ThrottlingException",
    "RequestThrottled",
    "EC2ThrottledException",
    "Client.RequestLimitExceeded",
    "TooManyRequestsException",
)
