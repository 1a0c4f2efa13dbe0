"""Questions about feedback, and answers to them."""

from django import forms

from accounts.words import Text


class ReviewForm(forms.Form):
    """What an assessor wants to know of the feedback."""

    question = Text(
        label="What do you want to know?",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="No names. Lead moderators read it before they open the decision.",
        error_messages={"required": "Say what you want to know."},
    )


class LearnerReviewForm(forms.Form):
    """What a learner wants to know of the feedback."""

    question = Text(
        label="What is unclear, or what do you not agree with?",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 5}),
        error_messages={"required": "Say what you want to know."},
    )


class ReviewAnswerForm(forms.Form):
    """What somebody senior thinks of the feedback."""

    answer = Text(
        label="Your answer",
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 5}),
        error_messages={"required": "Write your answer."},
    )
