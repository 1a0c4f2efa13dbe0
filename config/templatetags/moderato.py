"""The tags that every page is written with: fields, errors, times, tags. docs/components.md lists them."""

import datetime as dt
import re
import zoneinfo
from collections.abc import Iterable
from typing import Any

from django import forms, template
from django.forms import BoundField
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.wording import NO_BREAK
from portfolios.definitions import ALLOWED
from workflows.words import clock, day_in_words, in_words, short_day, to_the_second

register = template.Library()

DJANGO_ROWS = "10"  # what a Textarea has when nobody said how many
ZONE_WORDS = {
    "Pacific/Auckland": "New Zealand time",
    "Pacific/Chatham": "Chatham Islands time",
    "UTC": "UTC",
}


# --- forms ------------------------------------------------------------------------------------------


@register.inclusion_tag("components/field.html")
def field(bound: BoundField, **options: Any) -> dict[str, Any]:
    """One form field in GOV.UK markup: label, hint, error, control, joined by aria-describedby.

    Options: label, hint, label_size ("s", "m", "l"), page_heading, inline, small, width (2, 3, 4, 5,
    10, 20), rows, optional, count_to (a word guide), autocomplete.
    """
    widget = bound.field.widget
    identity = bound.auto_id or bound.html_name
    hint = options.get("hint", bound.help_text)
    context: dict[str, Any] = {
        "id": identity,
        "label": options.get("label", bound.label),
        "hint": hint,
        "hint_id": f"{identity}_helptext",
        "errors": error_words(bound, options.get("label")),
        "error_id": f"{identity}_error",
        "inline": options.get("inline"),
        "small": options.get("small"),
        "page_heading": options.get("page_heading"),
        "count_to": options.get("count_to"),
        "optional": options.get("optional", not bound.field.required),
        "password": isinstance(widget, forms.PasswordInput),
    }
    described = [context["hint_id"]] if hint else []
    described += [context["error_id"]] if bound.errors else []
    context["describedby"] = " ".join(described)
    kind = kind_of(bound)
    context["kind"] = kind
    context["grouped"] = kind in {"radios", "checkboxes", "day"}
    context["label_size"] = options.get("label_size", "s" if context["grouped"] else "")
    if kind == "hidden":
        context["control"] = bound.as_hidden()
    elif kind in {"radios", "checkboxes"}:
        context["choices"] = list(choices(bound, kind))
    elif kind == "day":
        context["parts"] = list(day_parts(bound))
    else:
        context["control"] = bound.as_widget(
            attrs=control_attributes(bound, kind, context, options)
        )
    return context


def error_words(bound: BoundField, label: Any = None) -> list[str]:
    """What is wrong with a field. A missing answer is asked for by the field's name, so that a summary
    of several fields does not say the same sentence for each."""
    found = []
    general = forms.Field.default_error_messages["required"]
    for each in bound.form.errors.as_data().get(bound.name, []):
        for text in each.messages:
            missing = each.code == "required" and text == general
            found.append(missing_words(bound, label) if missing else str(text))
    return found


def missing_words(bound: BoundField, label: Any = None) -> str:
    """“Enter their name”, “Choose a kind of hold”; a question is quoted."""
    name = str(label or bound.label).rstrip(".:")
    verb = "Choose" if kind_of(bound) in {"radios", "checkboxes", "select", "file"} else "Enter"
    if name.endswith("?"):
        return f"Answer the question “{name}”"
    if name.startswith(("Choose ", "Enter ")):
        return name
    if name[1:2].islower() or name.startswith("E-mail"):
        name = name[0].lower() + name[1:]
    return f"{verb} {name}"


def kind_of(bound: BoundField) -> str:
    """Which of the component's shapes a field takes, by its widget."""
    widget = bound.field.widget
    if bound.is_hidden:
        return "hidden"
    if isinstance(widget, forms.CheckboxSelectMultiple):
        return "checkboxes"
    if isinstance(widget, forms.RadioSelect):
        return "radios"
    if isinstance(widget, forms.CheckboxInput):
        return "checkbox"
    if getattr(widget, "day_parts", False):
        return "day"
    if isinstance(widget, forms.FileInput):
        return "file"
    if isinstance(widget, forms.Select):
        return "select"
    return "textarea" if isinstance(widget, forms.Textarea) else "input"


def control_attributes(
    bound: BoundField, kind: str, context: dict[str, Any], options: dict[str, Any]
) -> dict[str, Any]:
    """Classes and relations for a control that is one element."""
    base = {"checkbox": "govuk-checkboxes__input", "file": "app-file"}.get(kind, f"govuk-{kind}")
    classes = [base]
    if bound.errors and kind in {"input", "textarea", "select"}:
        classes.append(f"{base}--error")
    if width := options.get("width"):
        classes.append(f"govuk-input--width-{width}")
    if context["password"]:
        classes += ["govuk-password-input__input", "govuk-js-password-input-input"]
    if context["count_to"]:
        classes.append("govuk-js-character-count")
    if own := bound.field.widget.attrs.get("class"):
        classes.append(own)
    # A placeholder vanishes while one types; labels and hints say it better.
    attributes: dict[str, Any] = {"class": " ".join(classes), "placeholder": False}
    described = context["describedby"].split()
    if context["count_to"]:
        described.append(f"{context['id']}-info")
    if described:
        attributes["aria-describedby"] = " ".join(described)
    if context["password"]:
        attributes |= {"spellcheck": "false", "autocapitalize": "none"}
    if kind == "textarea":
        own_rows = bound.field.widget.attrs.get("rows", DJANGO_ROWS)
        attributes["rows"] = options.get("rows", 5 if own_rows == DJANGO_ROWS else own_rows)
    if autocomplete := options.get("autocomplete"):
        attributes["autocomplete"] = autocomplete
    return attributes


def choices(bound: BoundField, kind: str) -> Iterable[dict[str, Any]]:
    """Each radio or checkbox with its label; hints come from the field's `choice_hints`."""
    hints = getattr(bound.field, "choice_hints", {})
    for subwidget in bound.subwidgets:
        data = subwidget.data
        identity = data["attrs"].get("id", "")
        hint = hints.get(str(data["value"]))
        extra = format_html(' aria-describedby="{}_hint"', identity) if hint else ""
        if data["attrs"].get("disabled"):
            extra += SafeString(" disabled")
        if data["selected"]:
            extra += SafeString(" checked")
        control = format_html(
            '<input class="govuk-{0}__input" type="{1}" name="{2}" value="{3}" id="{4}"{5}>',
            kind,
            data["type"],
            data["name"],
            data["value"] if data["value"] is not None else "",
            identity,
            extra,
        )
        yield {"control": control, "id": identity, "label": data["label"], "hint": hint}


def day_parts(bound: BoundField) -> Iterable[dict[str, Any]]:
    """Day, month and year of a three-field date."""
    error = " govuk-input--error" if bound.errors else ""
    widget = bound.field.widget
    context = widget.get_context(bound.html_name, bound.value(), {"id": bound.auto_id})
    for label, part in zip(("Day", "Month", "Year"), context["widget"]["subwidgets"], strict=True):
        control = format_html(
            '<input class="govuk-input govuk-date-input__input govuk-input--width-{}{}" type="text"'
            ' inputmode="numeric" name="{}" id="{}" value="{}">',
            4 if label == "Year" else 2,
            error,
            part["name"],
            part["attrs"]["id"],
            part["value"] if part["value"] is not None else "",
        )
        yield {"id": part["attrs"]["id"], "label": label, "control": control}


@register.inclusion_tag("components/error_summary.html")
def error_summary(
    form: Any = None, *more: Any, title: str = "There is a problem"
) -> dict[str, Any]:
    """The summary on top of a page: of a form, of several forms, or of a list of sentences."""
    items: list[dict[str, str]] = []
    for source in (form, *more):
        if isinstance(source, forms.BaseForm):
            items += form_errors(source)
        elif isinstance(source, forms.BaseFormSet):
            items += [{"text": str(text), "target": ""} for text in source.non_form_errors()]
            for each in source.forms:
                items += form_errors(each)
        elif source:
            items += [
                {"text": str(getattr(each, "message", each)), "target": ""} for each in source
            ]
    return {"items": items, "title": title}


def form_errors(form: forms.BaseForm) -> list[dict[str, str]]:
    """What is wrong in a form, each with the id of the control to go to."""
    if not form.is_bound:
        return []
    found = [{"text": str(text), "target": ""} for text in form.non_field_errors()]
    for bound in form:
        target = bound.auto_id
        if kind_of(bound) in {"radios", "checkboxes", "day"}:
            target = f"{bound.auto_id}_0"
        found += [{"text": text, "target": target} for text in error_words(bound)]
    return found


# --- times ------------------------------------------------------------------------------------------


BEFORE_AM = re.compile(r" (?=[ap]m\b)")


@register.simple_tag(takes_context=True)
def local_time(
    context: template.Context, value: Any, zone: Any = None, *, form: str = "long"
) -> SafeString | str:
    """A moment in the zone of its delivery, in words, inside <time>.

    `zone` is a zone name, a ZoneInfo or anything with `time_zone`; without it the person's own zone.
    `form`: "long" (with how far away), "plain" (without), "short" (14 Aug 2026, 5:00 pm, which breaks
    between day and time and nowhere else), "date", "exact" (with seconds and the zone, for receipts).
    """
    if not value:
        return ""
    person = getattr(context.get("request"), "user", None)
    own = getattr(person, "time_zone", None)
    if not isinstance(value, dt.datetime):  # a day has no zone
        return format_html('<time datetime="{}">{}</time>', value.isoformat(), day_in_words(value))
    there = as_zone(zone or own)
    moment = value.astimezone(there)
    if form == "date":
        words = day_in_words(moment)
    elif form == "exact":
        words = to_the_second(moment, there)
    elif form == "short":
        words = f"{short_day(moment).replace(' ', NO_BREAK)}, {clock(moment)}"
    else:
        words = in_words(moment, there)
    if (
        zone
        and own
        and own != there.key
        and form not in {"date", "exact"}
        and differs(moment, as_zone(own))
    ):
        words += f" {zone_words(there)}"
    if form == "long":
        words += f" ({distance(moment, timezone.now().astimezone(there))})"
    words = BEFORE_AM.sub(NO_BREAK, words)
    # Nothing in it comes from people: digits, names of months and places of the zone data.
    return SafeString(f'<time datetime="{moment.isoformat(timespec="seconds")}">{words}</time>')


@register.filter
def zone_words(zone: Any) -> str:
    """The name of a time zone as people say it: “New Zealand time”."""
    key = as_zone(zone).key
    return ZONE_WORDS.get(key, key.rsplit("/", 1)[-1].replace("_", " ") + " time")


def as_zone(zone: Any) -> zoneinfo.ZoneInfo:
    if isinstance(zone, zoneinfo.ZoneInfo):
        return zone
    name = zone if isinstance(zone, str) else getattr(zone, "time_zone", None)
    return (
        zoneinfo.ZoneInfo(str(name))
        if name
        else zoneinfo.ZoneInfo(timezone.get_default_timezone_name())
    )


def differs(moment: dt.datetime, zone: zoneinfo.ZoneInfo) -> bool:
    """Whether the clock on the wall is another one in `zone` at that moment."""
    return moment.utcoffset() != moment.astimezone(zone).utcoffset()


def distance(moment: dt.datetime, now: dt.datetime) -> str:
    """How far away, in the largest unit that makes sense; days are counted by the calendar."""
    days = (moment.date() - now.date()).days
    seconds = (moment - now).total_seconds()
    if days == 0:
        minutes = int(abs(seconds) // 60)
        if minutes < 1:
            return "now"
        amount = plural(minutes, "minute") if minutes < 60 else plural(minutes // 60, "hour")
        return f"in {amount}" if seconds > 0 else f"{amount} ago"
    if abs(days) == 1:
        return "tomorrow" if days == 1 else "yesterday"
    return f"in {days} days" if days > 0 else f"{-days} days ago"


def plural(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


# --- small pieces -----------------------------------------------------------------------------------


@register.simple_tag
def tag(text: Any, colour: str = "grey") -> SafeString:
    """A status in words with a quiet colour: grey, blue, green, yellow, red."""
    if colour not in {"grey", "blue", "green", "yellow", "red"}:
        raise template.TemplateSyntaxError(f"There is no tag colour {colour!r}.")
    return format_html('<strong class="govuk-tag govuk-tag--{}">{}</strong>', colour, text)


@register.filter
def count_words(number: int, words: str) -> str:
    """`3|count_words:"item,items"` gives "3 items"."""
    one, many = words.split(",")
    return f"{number} {one if number == 1 else many}"


PROGRAMS = {"docx": "Word", "xlsx": "Excel", "pptx": "PowerPoint", "txt": "text"}


@register.filter
def media_words(media_type: str) -> str:
    """What people call a kind of file: “PDF”, “Word”, not “application/pdf”."""
    extension = ALLOWED.get(media_type, (media_type.rpartition("/")[2],))[0]
    return PROGRAMS.get(extension, extension.upper())


@register.filter
def page_numbers(paginator: Any, number: int) -> list[int | None]:
    """The page numbers to show; None stands for those left out."""
    return [
        page if isinstance(page, int) else None
        for page in paginator.get_elided_page_range(number, on_each_side=1, on_ends=1)
    ]
