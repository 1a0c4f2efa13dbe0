"""What people may change about themselves."""

import zoneinfo
from functools import cache
from typing import TYPE_CHECKING, Any

from allauth.account import forms as allauth_forms
from django import forms
from django.forms.utils import flatatt
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.definitions import SHORTCUTS, Keys
from accounts.models import User
from accounts.words import Text

HOME_ZONES = ["Pacific/Auckland", "Pacific/Chatham"]
NEAR_ZONES = [
    "Australia/Sydney",
    "Australia/Brisbane",
    "Australia/Adelaide",
    "Australia/Perth",
    "Pacific/Apia",
    "Pacific/Fiji",
    "Pacific/Niue",
    "Pacific/Rarotonga",
    "Pacific/Tongatapu",
]


@cache
def zone_choices() -> list[Any]:
    """New Zealand first, then the neighbours, then the rest of the world."""
    first = set(HOME_ZONES) | set(NEAR_ZONES)
    rest = sorted(z for z in zoneinfo.available_timezones() if "/" in z and z not in first)
    rest = [zone for zone in rest if not zone.startswith(("Etc/", "SystemV/", "US/"))]

    def words(zone: str) -> str:
        return zone.split("/", 1)[1].replace("_", " ").replace("/", ", ")

    return [
        (
            "New Zealand",
            [("Pacific/Auckland", "New Zealand"), ("Pacific/Chatham", "Chatham Islands")],
        ),
        ("Nearby", [(zone, words(zone)) for zone in NEAR_ZONES]),
        ("Everywhere else", [(zone, words(zone)) for zone in rest]),
    ]


class LongSelect(forms.Select):
    """A select of hundreds of options in groups, written in one piece.

    Django renders two templates for each option, which for the time zones of the world was nearly the
    whole time of a page.
    """

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        given = self.build_attrs(self.attrs, {**(attrs or {}), "name": name})
        chosen = "" if value is None else str(value)
        groups = format_html_join(
            "",
            '<optgroup label="{}">{}</optgroup>',
            (
                (
                    label,
                    format_html_join(
                        "",
                        '<option value="{}"{}>{}</option>',
                        (
                            (key, SafeString(" selected" if key == chosen else ""), words)
                            for key, words in options
                        ),
                    ),
                )
                for label, options in self.choices
            ),
        )
        return format_html("<select{}>{}</select>", flatatt(given), groups)


if TYPE_CHECKING:
    UserForm = forms.ModelForm[User]
else:
    UserForm = forms.ModelForm


class SettingsForm(UserForm):
    """Name to be called by, colours, and the zone of times that belong to no delivery."""

    time_zone = forms.ChoiceField(
        label="Time zone",
        choices=zone_choices,
        widget=LongSelect,
        help_text="Dates of a delivery are always shown in the delivery's own time zone.",
    )

    class Meta:
        model = User
        fields = ["preferred_name", "theme", "time_zone"]
        field_classes = {"preferred_name": Text}
        labels = {"preferred_name": "What should we call you?", "theme": "Colours"}
        help_texts = {
            "preferred_name": "Shown at the top of pages and in greetings. Results and credentials keep "
            "your full name.",
        }
        widgets = {
            "preferred_name": forms.TextInput(attrs={"autocomplete": "nickname"}),
            "theme": forms.RadioSelect,
        }


class ShortcutsForm(forms.Form):
    """The keyboard map: on or off, and one key for each action."""

    on = forms.BooleanField(label="Use single keys on the pages of marking", required=False)

    def __init__(self, *args: Any, keys: Keys, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["on"].initial = keys.on
        for one in SHORTCUTS:
            self.fields[one.action] = Text(
                label=one.words,
                max_length=1,
                initial=keys.by_action[one.action],
                widget=forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false"}),
                error_messages={
                    "required": f"Enter a key for “{one.words}”.",
                    "max_length": f"Enter one key only for “{one.words}”.",
                },
            )

    @property
    def key_fields(self) -> list[forms.BoundField]:
        """The fields of the keys, in order."""
        return [self[one.action] for one in SHORTCUTS]

    @property
    def keys(self) -> dict[str, str]:
        """What was chosen, by action."""
        return {one.action: self.cleaned_data[one.action] for one in SHORTCUTS}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        first: dict[str, str] = {}
        for one in SHORTCUTS:
            key = cleaned.get(one.action)
            if key is None:
                continue
            if not key.isprintable() or key.isspace():
                self.add_error(one.action, f"Enter a letter, digit or sign for “{one.words}”.")
            elif key in first:
                self.add_error(one.action, f"“{key}” is already the key for “{first[key]}”.")
            else:
                first[key] = one.words
        return cleaned


SIGN_IN_WORDS = {
    "login": "E-mail address",
    "email": "E-mail address",
    "password": "Password",
    "oldpassword": "Your password now",
    "password1": "New password",
    "password2": "New password again",
}


class InOurWords:
    """Gives allauth's fields the names that pages and error messages use."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, forms.Field] = self.fields  # type: ignore[attr-defined]
        for name, field in fields.items():
            field.label = SIGN_IN_WORDS.get(name, field.label)


class LoginForm(InOurWords, allauth_forms.LoginForm):  # type: ignore[misc]
    """Signing in."""


class ChangePasswordForm(InOurWords, allauth_forms.ChangePasswordForm):  # type: ignore[misc]
    """A new password for somebody who knows the old one."""


class ResetPasswordForm(InOurWords, allauth_forms.ResetPasswordForm):  # type: ignore[misc]
    """A link to a new password."""


class ResetPasswordKeyForm(InOurWords, allauth_forms.ResetPasswordKeyForm):  # type: ignore[misc]
    """A new password by that link."""


class ReauthenticateForm(InOurWords, allauth_forms.ReauthenticateForm):  # type: ignore[misc]
    """The password once more, before a step that needs it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].label = "Your password"
