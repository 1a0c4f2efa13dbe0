"""The Redis transport of Celery, so that a worker outlives its broker."""

from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis
from redis.exceptions import ConnectionError as BrokerGoneError


class Channel(redis.Channel):
    """A channel whose connection is gone answers that it is gone.

    A task that was in hand when the broker died is given back or acknowledged through the channel on which
    it came. Kombu (5.7) then looks for the address on a connection that is closed: an AttributeError, which
    no worker takes for the loss of a connection, and which ends it. What is said here it does, and goes on.
    """

    def _connparams(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        if getattr(self.connection, "client", None) is None:
            raise BrokerGoneError("the connection of this channel is closed")
        return super()._connparams(*args, **kwargs)  # type: ignore[no-any-return,no-untyped-call]


class Transport(redis.Transport):
    """Redis, with channels that say when they are closed."""

    Channel = Channel


def use() -> None:
    """Take it for redis:// and rediss:// addresses of this process."""
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = "config.broker:Transport"
