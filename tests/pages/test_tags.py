"""The tags that pages are written with."""

import datetime as dt
from typing import Any

import pytest
from django import forms
from django.core.paginator import Paginator
from django.template import Context, Template, TemplateSyntaxError
from django.template.loader import render_to_string
from django.test import RequestFactory

from accounts.models import User
from config.templatetags.moderato import form_errors, media_words, zone_words
from workflows.forms import DayField

NOON = dt.datetime(2026, 8, 2, 0, 0, tzinfo=dt.UTC)


def render(source: str, **context: Any) -> str:
    return " ".join(Template("{% load moderato %}" + source).render(Context(context)).split())


class SampleForm(forms.Form):
    title = forms.CharField(
        help_text="As on the first page", widget=forms.TextInput({"placeholder": "x"})
    )
    secret = forms.CharField(widget=forms.PasswordInput)
    words = forms.CharField(widget=forms.Textarea, required=False)
    level = forms.ChoiceField(
        choices=[("met", "Met"), ("not", "Not yet met")], widget=forms.RadioSelect
    )
    kinds = forms.MultipleChoiceField(choices=[("a", "Photo")], widget=forms.CheckboxSelectMultiple)
    mine = forms.BooleanField(label="This is my own work", help_text="All of it")
    done_on = DayField()
    file = forms.FileField()
    hidden = forms.CharField(widget=forms.HiddenInput, required=False)


@pytest.fixture
def refused() -> SampleForm:
    return SampleForm({"level": "other"})


def test_hint_and_error_are_joined_to_the_control(refused: SampleForm) -> None:
    html = render("{% field form.title %}", form=refused)
    assert 'aria-describedby="id_title_helptext id_title_error"' in html
    assert 'id="id_title_helptext"' in html
    assert 'id="id_title_error"' in html
    assert 'class="govuk-input govuk-input--error"' in html
    assert "placeholder" not in html


def test_optional_fields_say_so_and_required_ones_do_not() -> None:
    assert "(optional)" in render("{% field form.words %}", form=SampleForm())
    assert "(optional)" not in render("{% field form.title %}", form=SampleForm())


def test_radios_keep_the_choice_and_show_hints() -> None:
    form = SampleForm({"level": "met"})
    form.fields["level"].choice_hints = {"not": "Say why"}
    html = render("{% field form.level inline=True %}", form=form)
    assert 'value="met" id="id_level_0" checked>' in html
    assert 'aria-describedby="id_level_1_hint"' in html
    assert "<legend" in html
    assert "govuk-radios--inline" in html


def test_words_of_people_are_escaped_in_choices() -> None:
    form = SampleForm()
    form.fields["level"].choices = [('"><script>', "<b>Met</b>")]
    html = render("{% field form.level %}", form=form)
    assert "<script>" not in html
    assert "<b>" not in html


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("kinds", 'class="govuk-checkboxes__input" type="checkbox"'),
        ("mine", "govuk-checkboxes__hint"),
        ("secret", "govuk-js-password-input-toggle"),
        ("file", 'class="app-file"'),
        ("done_on", 'inputmode="numeric" name="done_on_2" id="id_done_on_2"'),
        ("words", 'rows="5"'),
    ],
)
def test_each_widget_gets_its_shape(name: str, expected: str) -> None:
    assert expected in render("{% field form." + name + " %}", form=SampleForm())


def test_a_hidden_field_has_no_group() -> None:
    html = render("{% field form.hidden %}", form=SampleForm())
    assert html.startswith('<input type="hidden"')
    assert "govuk-form-group" not in html


def test_the_summary_leads_to_the_first_control_of_each_field(refused: SampleForm) -> None:
    html = render("{% error_summary form %}", form=refused)
    for target in ("#id_title", "#id_level_0", "#id_kinds_0", "#id_done_on_0", "#id_mine"):
        assert f'href="{target}"' in html


def test_the_summary_of_reasons_and_of_nothing() -> None:
    html = render('{% error_summary reasons title="Not yet" %}', reasons=["Evidence is missing."])
    assert "Not yet" in html
    assert "<li>Evidence is missing.</li>" in html
    assert render("{% error_summary form %}", form=SampleForm()) == ""


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        (
            dt.datetime(2026, 8, 14, 5, 0, tzinfo=dt.UTC),
            "Friday 14 August 2026, 5:00 pm (in 12 days)",
        ),
        (
            dt.datetime(2026, 8, 2, 0, 20, tzinfo=dt.UTC),
            "Sunday 2 August 2026, 12:20 pm (in 20 minutes)",
        ),
        (
            dt.datetime(2026, 8, 1, 21, 0, tzinfo=dt.UTC),
            "Sunday 2 August 2026, 9:00 am (3 hours ago)",
        ),
        (
            dt.datetime(2026, 8, 2, 12, 30, tzinfo=dt.UTC),
            "Monday 3 August 2026, 12:30 am (tomorrow)",
        ),
        (
            dt.datetime(2026, 7, 30, 0, 0, tzinfo=dt.UTC),
            "Thursday 30 July 2026, 12:00 pm (3 days ago)",
        ),
    ],
)
def test_times_are_said_in_the_zone_of_the_delivery(moment: dt.datetime, words: str) -> None:
    import time_machine

    with time_machine.travel(NOON, tick=False):
        html = render('{% local_time moment "Pacific/Auckland" %}', moment=moment)
    assert f">{words}</time>" in html


def test_no_line_breaks_within_a_time_or_a_short_day() -> None:
    moment = dt.datetime(2026, 8, 14, 5, 0, tzinfo=dt.UTC)
    source = '{% load moderato %}{% local_time at "Pacific/Auckland" form=form %}'
    plain, short = (
        Template(source).render(Context({"at": moment, "form": form}))
        for form in ("plain", "short")
    )
    assert "Friday 14 August 2026, 5:00\xa0pm<" in plain
    assert ">14\xa0Aug\xa02026, 5:00\xa0pm<" in short


def test_the_zone_is_named_to_somebody_elsewhere() -> None:
    request = RequestFactory().get("/")
    request.user = User(time_zone="Australia/Sydney")
    moment = dt.datetime(2026, 8, 14, 5, 0, tzinfo=dt.UTC)
    html = render(
        '{% local_time moment "Pacific/Chatham" form="plain" %}', moment=moment, request=request
    )
    assert "5:45 pm Chatham Islands time" in html
    html = render(
        '{% local_time moment "Australia/Melbourne" form="plain" %}', moment=moment, request=request
    )
    assert "time</time>" not in html


def test_a_tag_needs_a_colour_of_the_table() -> None:
    assert render('{% tag words "green" %}', words="<b>") == (
        '<strong class="govuk-tag govuk-tag--green">&lt;b&gt;</strong>'
    )
    with pytest.raises(TemplateSyntaxError):
        render('{% tag "Ready" "pink" %}')


def test_pages_keep_the_filters_of_the_address() -> None:
    request = RequestFactory().get("/queue/", {"state": "submitted", "page": "4"})
    page = Paginator(range(300), 10).page(4)
    html = render_to_string("components/pagination.html", {"page": page}, request)
    assert 'href="?state=submitted&amp;page=5"' in html
    assert 'aria-label="Page 4" aria-current="page"' in html


class Asked(forms.Form):
    name = forms.CharField(label="Their name")
    kind = forms.ChoiceField(label="Kind of hold", choices=[("a", "A")])
    why = forms.CharField(label="Why do you need more time?")
    photo = forms.FileField(label="Choose a photo or file")
    email = forms.EmailField(label="E-mail address")
    own = forms.CharField(error_messages={"required": "Say which one."})


def test_a_missing_answer_is_asked_for_by_its_name() -> None:
    form = Asked({"email": "nobody"}, {})
    assert [error["text"] for error in form_errors(form)] == [
        "Enter their name",
        "Choose kind of hold",
        "Answer the question “Why do you need more time?”",
        "Choose a photo or file",
        "Enter a valid email address.",
        "Say which one.",
    ]


def test_kinds_of_files_and_zones_are_called_what_people_call_them() -> None:
    word = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    assert [media_words(one) for one in ("application/pdf", word, "image/jpeg", "x/odd")] == [
        "PDF", "Word", "JPG", "ODD"
    ]  # fmt: skip
    assert [zone_words(one) for one in ("Pacific/Auckland", "Europe/Oslo")] == [
        "New Zealand time", "Oslo time"
    ]  # fmt: skip


def test_a_receipt_says_the_second_and_the_zone() -> None:
    moment = dt.datetime(2026, 8, 14, 4, 12, 9, tzinfo=dt.UTC)
    shown = render('{% local_time at "Pacific/Auckland" form="exact" %}', at=moment)
    assert "Friday 14 August 2026, 4:12:09 pm NZST" in shown
