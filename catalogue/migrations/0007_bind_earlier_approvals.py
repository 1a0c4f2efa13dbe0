"""Bind approvals from before to the content that they were given for.

Their content could not have changed: the triggers of the catalogue froze it when it left draft.
"""

from django.db import migrations

from catalogue.checklist import QUESTIONS
from catalogue.hashing import content_of, fingerprints
from catalogue.models import policy_defaults


def bind(apps, schema_editor):
    versions = apps.get_model("catalogue", "MicroCredentialVersion").objects
    for version in versions.filter(approved_at__isnull=False, pre_moderations__isnull=True):
        policy = {key: version.policy.get(key, value) for key, value in policy_defaults().items()}
        version.pre_moderations.create(
            number=1,
            decision="approved",
            moderator_id=version.pre_moderator_id,
            at=version.approved_at,
            note=version.pre_moderation_note,
            checklist=[
                {
                    "name": name,
                    "question": QUESTIONS.get(name, name),
                    "answer": answer,
                    "by": "person",
                    "found": [],
                    "note": "",
                    "evidence": "",
                }
                for name, answer in version.pre_moderation_checklist.items()
            ],
            parts=fingerprints(content_of(version, policy)),
            policy=policy,
        )
        versions.filter(pk=version.pk).update(approved_policy=policy)


class Migration(migrations.Migration):

    dependencies = [
        ("catalogue", "0006_pre_moderation_decisions"),
    ]

    operations = [
        migrations.RunPython(bind, migrations.RunPython.noop, elidable=True),
    ]
