"""Equal words have one spelling, and every form takes its words that way."""

import ast
from pathlib import Path

import pytest
from django import forms
from django.conf import settings

from accounts.words import Text, plain_text

APPS = ("accounts", "workflows", "catalogue", "portfolios", "assessment", "moderation", "awards")


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Nga\u0304 mihi", "Ngā mihi"),
        ("one\r\ntwo\rthree\nfour", "one\ntwo\nthree\nfour"),
        ("before\x00after", "beforeafter"),
        ("  space stays\t ", "  space stays\t "),
        ("\u202egnp.exe\u200b 👩🏽‍💻", "\u202egnp.exe\u200b 👩🏽‍💻"),
    ],
)
def test_one_spelling(typed: str, kept: str) -> None:
    assert plain_text(typed) == kept
    assert plain_text(kept) == kept


def test_a_field_refuses_nul_in_words() -> None:
    class Form(forms.Form):
        words = Text()

    form = Form({"words": "Nga\u0304"})
    assert form.is_valid()
    assert form.cleaned_data["words"] == "Ngā"
    assert "Null characters are not allowed." in Form({"words": "a\x00b"}).errors["words"]


def test_no_form_takes_words_in_any_other_way() -> None:
    wrong = []
    for app in APPS:
        for path in (Path(settings.BASE_DIR) / app).rglob("*.py"):
            if path == Path(settings.BASE_DIR) / "accounts/words.py":
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Attribute) and ast.unparse(node) == "forms.CharField":
                    wrong.append(f"{path.name}:{node.lineno}")
    assert not wrong, wrong
