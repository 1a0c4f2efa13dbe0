"""Say of the work that is being marked which of it two mark blind: until now it was worked out each time."""

from django.db import migrations

MARKED = ("submitted", "in_assessment")
DEFAULT = False
"""What `marking.double` is where neither delivery nor version say it."""


def double(delivery):
    for policy in (delivery.policy_overrides, delivery.version.policy, delivery.version.approved_policy):
        if "marking.double" in policy:
            return bool(policy["marking.double"])
    return DEFAULT


def say(apps, schema_editor):
    submissions = apps.get_model("portfolios", "Submission").objects.filter(state__in=MARKED)
    plans = apps.get_model("assessment", "ReadingPlan").objects
    draws = apps.get_model("assessment", "ReadingDraw").objects.filter(is_double=True)
    submissions.filter(pk__in=draws.values("submission")).update(double_blind=True)
    for plan in plans.filter(reading="blind"):
        submissions.filter(delivery=plan.delivery_id, task=plan.task_id).update(double_blind=True)
    deliveries = apps.get_model("catalogue", "Delivery").objects.select_related("version")
    for delivery in deliveries.filter(pk__in=submissions.values("delivery")):
        if double(delivery):
            planned = plans.filter(delivery=delivery).values("task")
            rows = submissions.filter(delivery=delivery).exclude(task__in=planned)
            rows.update(double_blind=True)


class Migration(migrations.Migration):

    dependencies = [
        ('assessment', '0009_discussions'),
        ('portfolios', '0009_double_blind'),
    ]

    operations = [migrations.RunPython(say, migrations.RunPython.noop)]
