"""What AWS's error codes mean for us. Branching on codes happens here and nowhere else."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from botocore.exceptions import BotoCoreError, ClientError

from agent.errors import (
    AwsError,
    AwsNotFound,
    AwsRejected,
    AwsThrottled,
    AwsUnavailable,
    InsufficientCapacity,
)

_CAPACITY = frozenset(
    {
        "InsufficientInstanceCapacity",
        "InsufficientHostCapacity",
        "InsufficientReservedInstanceCapacity",
        "InsufficientFreeAddressesInSubnet",
        "MaxSpotInstanceCountExceeded",
        "VcpuLimitExceeded",
        "InstanceLimitExceeded",
        "SpotMaxPriceTooLow",
        "UnfulfillableCapacity",
        "Unsupported",
        "UnsupportedOperation",
        "ReservationCapacityExceeded",
    }
)
_THROTTLED = frozenset(
    {"RequestLimitExceeded", "Throttling", "ThrottlingException", "TooManyRequestsException"}
)
_UNAVAILABLE = frozenset(
    {"InternalError", "InternalFailure", "InternalServerError", "ServiceUnavailable", "Unavailable"}
)
_SERVER_ERROR = 500


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turn boto's errors into ours.

    Raises:
        AwsUnavailable: no connection, no credentials yet, or a failure inside AWS.
        AwsThrottled: too many calls.
        InsufficientCapacity: this pool cannot launch now; another one may.
        AwsNotFound: the named thing does not exist, or not yet.
        AwsRejected: AWS refuses; the message holds its code, not its text with ids and ARNs.
    """
    try:
        yield
    except ClientError as error:
        raise _meaning(error) from error
    except BotoCoreError as error:
        raise AwsUnavailable(f"AWS cannot be asked ({type(error).__name__})") from error


def _meaning(error: ClientError) -> AwsError:
    code = str(error.response.get("Error", {}).get("Code", "Unknown"))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    what = f"{error.operation_name}: {code}"
    if code in _THROTTLED:
        return AwsThrottled(what)
    if code in _CAPACITY:
        return InsufficientCapacity(what, code=code)
    if code in _UNAVAILABLE or status >= _SERVER_ERROR:
        return AwsUnavailable(what)
    if code.endswith((".NotFound", "NotFoundException")):
        return AwsNotFound(what, code=code)
    return AwsRejected(what, code=code)
