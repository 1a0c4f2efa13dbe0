"""The shared cache, which holds nothing but what sign-in counts: who tried how often."""

from collections.abc import Callable
from typing import Any

import structlog
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis.exceptions import ConnectionError as GoneError
from redis.exceptions import TimeoutError as SilentError

log = structlog.get_logger(__name__)


class Client(RedisCacheClient):
    """Redis; while it cannot be reached, the memory of this process.

    Nobody is kept from signing in because a cache is away, and guessing passwords stays limited: each process
    counts for itself then, so that a guesser has at most as many times the tries as there are processes.
    """

    def __init__(self, servers: Any, **options: Any) -> None:
        super().__init__(servers, **options)
        self.own = LocMemCache("moderato-without-redis", {})


def steady(name: str) -> Callable[..., Any]:
    """The operation on Redis, or on the memory of this process where nothing answers."""

    def ask(self: Client, *args: Any, **kwargs: Any) -> Any:
        try:
            return getattr(RedisCacheClient, name)(self, *args, **kwargs)
        except (GoneError, SilentError) as error:
            log.warning("cache_away", operation=name, error=type(error).__name__)
            return getattr(self.own, name)(*args, **kwargs)

    return ask


for _name in (
    "add", "get", "set", "touch", "delete", "get_many", "has_key", "incr", "set_many", "delete_many",
):  # fmt: skip
    setattr(Client, _name, steady(_name))


class SteadyCache(RedisCache):
    """Django's Redis cache with this client. Where the operator sets no time limits, two seconds."""

    def __init__(self, server: Any, params: dict[str, Any]) -> None:
        limits = {"socket_connect_timeout": 2, "socket_timeout": 2}
        options = limits | params.get("OPTIONS", {})
        super().__init__(server, params | {"OPTIONS": options})
        self._class = Client
