"""Every table as it stood before the first release."""

import django.db.models.deletion
import django.utils.timezone
import django_fsm
import uuid
from django.conf import settings
from django.db import migrations, models

from accounts.migrations._together import CreateModels


class Migration(migrations.Migration):

    replaces = [('awards', '0001_initial'), ('awards', '0002_partial_recall')]

    initial = True

    dependencies = [
        ('accounts', '0001_tables'),
        ('assessment', '0001_tables'),
        ('catalogue', '0001_tables'),
        ('portfolios', '0001_tables'),
    ]

    operations = [
        CreateModels([
            migrations.CreateModel(
                name='Ratification',
                fields=[
                    ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                    ('minute', models.TextField()),
                    ('quorum', models.PositiveSmallIntegerField()),
                    ('content_hash', models.CharField(max_length=64)),
                    ('opened_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('completed_at', models.DateTimeField(blank=True, null=True)),
                    ('cancelled_at', models.DateTimeField(blank=True, null=True)),
                    ('delivery', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='ratifications', to='catalogue.delivery')),
                    ('opened_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('task', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='ratifications', to='catalogue.assessmenttask')),
                ],
                options={
                    'ordering': ['-opened_at'],
                    'constraints': [models.UniqueConstraint(condition=models.Q(('cancelled_at__isnull', True), ('completed_at__isnull', True)), fields=('delivery', 'task'), name='awards_one_open_ratification')],
                },
            ),
            migrations.CreateModel(
                name='RatificationLine',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('refused_because', models.TextField(blank=True)),
                    ('ratified_at', models.DateTimeField(blank=True, null=True)),
                    ('decision', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='assessment.assessmentdecision')),
                    ('ratification', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='awards.ratification')),
                    ('submission', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='ratification_lines', to='portfolios.submission')),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('ratification', 'submission'), name='awards_line_once')],
                },
            ),
            migrations.CreateModel(
                name='RatificationSignature',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('reauthenticated_at', models.DateTimeField()),
                    ('assessed_in_batch', models.BooleanField(default=False)),
                    ('signed_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('ratification', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='signatures', to='awards.ratification')),
                    ('ratifier', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('ratification', 'ratifier'), name='awards_signature_once')],
                },
            ),
            migrations.CreateModel(
                name='Recall',
                fields=[
                    ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                    ('reason', models.TextField()),
                    ('is_partial', models.BooleanField(default=False)),
                    ('scope', models.JSONField(blank=True, default=dict)),
                    ('asked_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('confirmed_at', models.DateTimeField(blank=True, null=True)),
                    ('cancelled_at', models.DateTimeField(blank=True, null=True)),
                    ('report', models.JSONField(blank=True, default=dict)),
                    ('affected', models.ManyToManyField(blank=True, related_name='partial_recalls', to='portfolios.submission')),
                    ('asked_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('confirmed_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('delivery', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='recalls', to='catalogue.delivery')),
                    ('task', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='recalls', to='catalogue.assessmenttask')),
                ],
                options={
                    'ordering': ['-asked_at'],
                    'constraints': [models.UniqueConstraint(condition=models.Q(('cancelled_at__isnull', True), ('confirmed_at__isnull', True)), fields=('delivery', 'task'), name='awards_one_open_recall'), models.CheckConstraint(condition=models.Q(('confirmed_by__isnull', True), models.Q(('confirmed_by', models.F('asked_by')), _negated=True), _connector='OR'), name='awards_recall_by_two')],
                },
            ),
            migrations.CreateModel(
                name='Reconsideration',
                fields=[
                    ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                    ('grounds', models.TextField()),
                    ('requested_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('concluded_at', models.DateTimeField(blank=True, null=True)),
                    ('conclusion', models.TextField(blank=True)),
                    ('concluded_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('decision_after', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='assessment.assessmentdecision')),
                    ('decision_before', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='assessment.assessmentdecision')),
                    ('submission', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reconsiderations', to='portfolios.submission')),
                ],
                options={
                    'ordering': ['requested_at'],
                    'constraints': [models.UniqueConstraint(condition=models.Q(('concluded_at__isnull', True)), fields=('submission',), name='awards_one_open_reconsideration')],
                },
            ),
            migrations.CreateModel(
                name='Release',
                fields=[
                    ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                    ('scheduled_for', models.DateTimeField()),
                    ('outcome', models.CharField(choices=[('scheduled', 'Scheduled'), ('done', 'Released'), ('cancelled', 'Cancelled')], default='scheduled', max_length=10)),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('done_at', models.DateTimeField(blank=True, null=True)),
                    ('report', models.JSONField(blank=True, default=dict)),
                    ('created_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('delivery', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='releases', to='catalogue.delivery')),
                    ('task', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='releases', to='catalogue.assessmenttask')),
                ],
                options={
                    'ordering': ['-scheduled_for'],
                    'constraints': [models.UniqueConstraint(condition=models.Q(('outcome', 'scheduled')), fields=('delivery', 'task'), name='awards_one_scheduled_release')],
                },
            ),
            migrations.CreateModel(
                name='Credential',
                fields=[
                    ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                    ('seq', models.PositiveIntegerField(default=0, editable=False)),
                    ('version', models.PositiveIntegerField(default=1, editable=False)),
                    ('state', django_fsm.FSMField(choices=[('issued', 'Issued'), ('suspended', 'Suspended'), ('revoked', 'Revoked')], default='issued', max_length=30, protected=True)),
                    ('claims', models.TextField()),
                    ('content_hash', models.CharField(max_length=64)),
                    ('issued_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('suspended_at', models.DateTimeField(blank=True, null=True)),
                    ('revoked_at', models.DateTimeField(blank=True, null=True)),
                    ('decision', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='credentials', to='assessment.assessmentdecision')),
                    ('submission', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='credentials', to='portfolios.submission')),
                ],
                options={
                    'ordering': ['-issued_at'],
                    'constraints': [models.CheckConstraint(condition=models.Q(('state__in', ['issued', 'suspended', 'revoked'])), name='awards_credential_state_known'), models.UniqueConstraint(condition=models.Q(('state', 'revoked'), _negated=True), fields=('submission',), name='awards_one_live_credential')],
                },
                bases=(django_fsm.ConcurrentTransitionMixin, models.Model),
            ),
        ]),
    ]
