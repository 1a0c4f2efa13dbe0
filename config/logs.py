"""Logging: one line of JSON for each event in production, readable lines on a terminal.

People and evidence stay out of the logs: references by key are enough to find a case, and a log is kept,
copied and read by more people than a portfolio is.
"""

import re
from typing import Any

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

EMAIL = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+")
QUERY = re.compile(r"\?\S*")
# Single-use links carry their secret in the path. Keys are UUIDs, and they may be seen.
SEGMENT = re.compile(r"(?<=/)(?![0-9a-f]{8}-[0-9a-f-]{27}(?:/|$|\s))[\w.~:=-]{20,}(?=/|$|\s)")
NEVER = frozenset(
    {
        *(
            "address",
            "body",
            "claim",
            "comment",
            "content",
            "context",
            "cookies",
            "email",
            "feedback",
        ),
        *(
            "file_name",
            "filename",
            "first_name",
            "full_name",
            "last_name",
            "name",
            "note",
            "password",
        ),
        *(
            "reason",
            "recipient",
            "reflection",
            "subject_line",
            "text",
            "title",
            "token",
            "user_agent",
        ),
        *("username", "args", "kwargs", "result"),
    }
)
# What a database says about a broken constraint repeats the row's values.
DETAIL = re.compile(r"(?:DETAIL|CONTEXT|HINT):.*?(?=\n\S|\Z)", re.DOTALL)


def clean(text: str) -> str:
    """A text without e-mail addresses and the values of database rows."""
    return DETAIL.sub("[detail left out]", EMAIL.sub("[e-mail]", text))


def scrub(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Leave out what could name a person or quote their work; cut queries and secrets from addresses."""
    for key in list(event):
        value = event[key]
        if key in NEVER:
            event[key] = "[left out]"
        elif key == "request" and isinstance(value, str):
            event[key] = clean(SEGMENT.sub("[secret]", QUERY.sub("", value)))
        elif isinstance(value, str):
            event[key] = clean(value)
        elif not key.startswith("_") and not isinstance(value, int | float | bool | None):
            event[key] = clean(str(value)) if key != "exc_info" else value
    return event


def logging_config(*, as_json: bool, level: str = "INFO") -> dict[str, Any]:
    """Django's LOGGING, with structlog and the standard library through the same processors."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.PositionalArgumentsFormatter(),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    render: Processor
    if as_json:
        render = structlog.processors.JSONRenderer(ensure_ascii=False)
    else:
        render = structlog.dev.ConsoleRenderer(colors=False)
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "house": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": shared,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    # A traceback becomes text first (without local variables), so that it is scrubbed too.
                    structlog.processors.format_exc_info,
                    scrub,
                    render,
                ],
            }
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "house"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            # The request middleware writes a line for each request; Django's own would repeat it.
            "django.request": {"level": "CRITICAL"},
            "django.server": {"handlers": ["console"], "level": "INFO", "propagate": False},
        },
    }
