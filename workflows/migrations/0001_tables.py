"""Every table as it stood before the first release."""

import datetime
import django.db.models.deletion
import django.utils.timezone
import uuid
from django.conf import settings
from django.db import migrations, models

from accounts.migrations._together import CreateModels
from workflows.working_days import computed_days


def fill_in(apps, schema_editor):
    """Public holidays and regional anniversaries of 2024 to 2036."""
    days = apps.get_model("workflows", "NonWorkingDay")
    days.objects.bulk_create(
        days(
            day=day,
            name=name,
            kind="anniversary" if region else "holiday",
            region=region,
            source="rule",
        )
        for day, name, region in computed_days(2024, 2036)
    )


class Migration(migrations.Migration):

    replaces = [('workflows', '0001_initial'), ('workflows', '0002_sealed_links'), ('workflows', '0003_seal_and_respell'), ('workflows', '0004_working_days'), ('workflows', '0005_fill_in_holidays'), ('workflows', '0006_reconciliation'), ('workflows', '0007_preferences'), ('workflows', '0008_pace'), ('workflows', '0009_webhooks'), ('workflows', '0010_addresses_left')]

    initial = True

    dependencies = [
        ('accounts', '0001_tables'),
        ('accounts', '0001_tables'),
    ]

    operations = [
        CreateModels([
            migrations.CreateModel(
                name='ChainRoot',
                fields=[
                    ('number', models.PositiveIntegerField(primary_key=True, serialize=False)),
                    ('kind', models.CharField(choices=[('delta', 'What moved'), ('full', 'Everything')], max_length=10)),
                    ('at', models.DateTimeField()),
                    ('previous', models.BinaryField(max_length=32)),
                    ('leaf_count', models.PositiveIntegerField()),
                    ('tree_hash', models.BinaryField(max_length=32)),
                    ('payload', models.TextField()),
                    ('signature', models.BinaryField(max_length=64)),
                    ('key_id', models.CharField(max_length=16)),
                    ('public_key', models.BinaryField(max_length=32)),
                ],
                options={
                    'ordering': ['number'],
                },
            ),
            migrations.CreateModel(
                name='Heartbeat',
                fields=[
                    ('name', models.CharField(max_length=50, primary_key=True, serialize=False)),
                    ('at', models.DateTimeField()),
                ],
            ),
            migrations.CreateModel(
                name='Reconciliation',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('at', models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
                    ('deadlines', models.PositiveIntegerField(default=0)),
                    ('reminders', models.PositiveIntegerField(default=0)),
                    ('events', models.PositiveIntegerField(default=0)),
                    ('missing', models.PositiveIntegerField(default=0)),
                    ('extra', models.PositiveIntegerField(default=0)),
                    ('findings', models.JSONField(default=list)),
                ],
                options={
                    'ordering': ['-at'],
                },
            ),
            migrations.CreateModel(
                name='SendingPace',
                fields=[
                    ('name', models.CharField(max_length=30, primary_key=True, serialize=False)),
                    ('since', models.DateTimeField(default=django.utils.timezone.now)),
                    ('used', models.PositiveIntegerField(default=0)),
                ],
            ),
            migrations.CreateModel(
                name='TransitionRecord',
                fields=[
                    ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                    ('subject_type', models.CharField(max_length=100)),
                    ('subject_id', models.UUIDField()),
                    ('seq', models.PositiveIntegerField()),
                    ('name', models.CharField(max_length=100)),
                    ('source', models.CharField(blank=True, max_length=30)),
                    ('target', models.CharField(max_length=30)),
                    ('actor_system', models.CharField(blank=True, max_length=50)),
                    ('overridden', models.JSONField(blank=True, default=list)),
                    ('facts', models.JSONField(blank=True, default=dict)),
                    ('request_id', models.CharField(blank=True, max_length=64)),
                    ('at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('payload', models.TextField()),
                    ('prev_hash', models.BinaryField(max_length=32)),
                    ('hash', models.BinaryField(max_length=32)),
                    ('actor', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('on_behalf_of', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'ordering': ['subject_type', 'subject_id', 'seq'],
                    'indexes': [models.Index(fields=['at'], name='workflows_record_at')],
                    'constraints': [models.UniqueConstraint(fields=('subject_type', 'subject_id', 'seq'), name='workflows_record_seq_once')],
                },
            ),
            migrations.CreateModel(
                name='AllowedTransition',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('machine', models.CharField(max_length=100)),
                    ('name', models.CharField(max_length=100)),
                    ('source', models.CharField(blank=True, max_length=30)),
                    ('target', models.CharField(max_length=30)),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('machine', 'source', 'target', 'name'), name='workflows_allowed_once')],
                },
            ),
            migrations.CreateModel(
                name='CalendarFeed',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('token_hash', models.CharField(max_length=64, unique=True)),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
            ),
            migrations.CreateModel(
                name='ChainHead',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('subject_type', models.CharField(max_length=100)),
                    ('subject_id', models.UUIDField()),
                    ('seq', models.PositiveIntegerField(db_default=0)),
                    ('hash', models.BinaryField(max_length=32)),
                    ('rooted_seq', models.PositiveIntegerField(db_default=0)),
                ],
                options={
                    'indexes': [models.Index(condition=models.Q(('seq__gt', models.F('rooted_seq'))), fields=['subject_type', 'subject_id'], name='workflows_head_unrooted')],
                    'constraints': [models.UniqueConstraint(fields=('subject_type', 'subject_id'), name='workflows_head_once')],
                },
            ),
            migrations.CreateModel(
                name='Deadline',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('subject_type', models.CharField(max_length=100)),
                    ('subject_id', models.UUIDField()),
                    ('kind', models.CharField(max_length=50)),
                    ('due_at', models.DateTimeField()),
                    ('wall_time', models.CharField(max_length=32)),
                    ('zone', models.CharField(max_length=64)),
                    ('tzdata_version', models.CharField(blank=True, max_length=20)),
                    ('region', models.CharField(blank=True, max_length=30)),
                    ('counted_from', models.DateTimeField(blank=True, null=True)),
                    ('counted_days', models.PositiveSmallIntegerField(blank=True, null=True)),
                    ('offsets', models.JSONField(default=list)),
                    ('people', models.JSONField(blank=True, null=True)),
                    ('generation', models.PositiveIntegerField(default=1)),
                    ('state', models.CharField(choices=[('open', 'Open'), ('cancelled', 'Cancelled')], default='open', max_length=10)),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ],
                options={
                    'ordering': ['due_at'],
                    'constraints': [models.UniqueConstraint(condition=models.Q(('state', 'open')), fields=('subject_type', 'subject_id', 'kind'), name='workflows_one_open_deadline')],
                },
            ),
            migrations.CreateModel(
                name='DeadlineMove',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('generation', models.PositiveIntegerField()),
                    ('due_from', models.DateTimeField(blank=True, null=True)),
                    ('due_to', models.DateTimeField(blank=True, null=True)),
                    ('reason', models.TextField(blank=True)),
                    ('at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('actor', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('deadline', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='moves', to='workflows.deadline')),
                ],
                options={
                    'ordering': ['id'],
                },
            ),
            migrations.CreateModel(
                name='Notification',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('address', models.EmailField(blank=True, max_length=254)),
                    ('name', models.CharField(blank=True, max_length=200)),
                    ('topic', models.CharField(max_length=150)),
                    ('lane', models.CharField(max_length=12)),
                    ('subject_type', models.CharField(blank=True, max_length=100)),
                    ('subject_id', models.UUIDField(blank=True, null=True)),
                    ('path', models.CharField(default='/', max_length=500)),
                    ('sealed_path', models.TextField(blank=True, db_default='', default='')),
                    ('context', models.JSONField(blank=True, default=dict)),
                    ('dedupe_key', models.CharField(max_length=300, unique=True)),
                    ('in_app', models.BooleanField(default=True)),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('read_at', models.DateTimeField(blank=True, null=True)),
                    ('deadline', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='workflows.deadline')),
                    ('recipient', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='notifications', to=settings.AUTH_USER_MODEL)),
                    ('record', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='notifications', to='workflows.transitionrecord')),
                ],
                options={
                    'ordering': ['-created_at', '-id'],
                    'indexes': [models.Index(condition=models.Q(('in_app', True)), fields=['recipient', '-created_at'], name='workflows_notice_inbox')],
                    'constraints': [models.CheckConstraint(condition=models.Q(('recipient__isnull', False), models.Q(('address', ''), _negated=True), _connector='OR'), name='workflows_notice_has_recipient')],
                },
            ),
            migrations.CreateModel(
                name='QuietHours',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('is_on', models.BooleanField(default=True)),
                    ('begins', models.TimeField(default=datetime.time(19, 0))),
                    ('ends', models.TimeField(default=datetime.time(7, 0))),
                    ('weekends', models.BooleanField(default=True)),
                    ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
            ),
            migrations.CreateModel(
                name='TransitionLabel',
                fields=[
                    ('record', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='label', serialize=False, to='workflows.transitionrecord')),
                    ('actor_label', models.CharField(max_length=300, null=True)),
                    ('actor_salt', models.BinaryField(max_length=32, null=True)),
                    ('subject_label', models.CharField(max_length=500, null=True)),
                    ('subject_salt', models.BinaryField(max_length=32, null=True)),
                    ('reason', models.TextField(null=True)),
                    ('reason_salt', models.BinaryField(max_length=32, null=True)),
                ],
            ),
            migrations.CreateModel(
                name='Webhook',
                fields=[
                    ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                    ('address', models.CharField(max_length=500)),
                    ('topics', models.JSONField(default=list)),
                    ('sealed_secret', models.TextField()),
                    ('sealed_before', models.TextField(blank=True)),
                    ('before_until', models.DateTimeField(blank=True, null=True)),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('changed_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('failures', models.PositiveIntegerField(default=0)),
                    ('failing_since', models.DateTimeField(blank=True, null=True)),
                    ('answered_at', models.DateTimeField(blank=True, null=True)),
                    ('suspended_at', models.DateTimeField(blank=True, null=True)),
                    ('because', models.CharField(blank=True, max_length=500)),
                    ('removed_at', models.DateTimeField(blank=True, null=True)),
                    ('changed_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('organisation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='webhooks', to='accounts.organisation')),
                ],
                options={
                    'ordering': ['created_at'],
                },
            ),
            migrations.CreateModel(
                name='OutboxMessage',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('kind', models.CharField(choices=[('event', 'Event'), ('delivery', 'Delivery')], max_length=10)),
                    ('lane', models.CharField(choices=[('result', 'Results'), ('receipt', 'Receipts'), ('reminder', 'Reminders'), ('digest', 'Digests'), ('integration', 'Integrations')], max_length=12)),
                    ('topic', models.CharField(max_length=150)),
                    ('dedupe_key', models.CharField(max_length=300, unique=True)),
                    ('channel', models.CharField(blank=True, choices=[('', 'None'), ('email', 'E-mail'), ('digest', 'Digest'), ('webhook', 'Webhook')], default='', max_length=10)),
                    ('state', models.CharField(choices=[('pending', 'Waiting'), ('sent', 'Sent'), ('failed', "Refused by the recipient's mail server"), ('dead', 'Given up'), ('cancelled', 'Cancelled')], default='pending', max_length=10)),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('available_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('lease_until', models.DateTimeField(blank=True, null=True)),
                    ('lease_token', models.UUIDField(blank=True, null=True)),
                    ('attempts', models.PositiveIntegerField(default=0)),
                    ('last_error', models.TextField(blank=True)),
                    ('provider_id', models.CharField(blank=True, max_length=200)),
                    ('notification', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='messages', to='workflows.notification')),
                    ('record', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='messages', to='workflows.transitionrecord')),
                    ('webhook', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='messages', to='workflows.webhook')),
                ],
                options={
                    'ordering': ['available_at', 'id'],
                    'indexes': [models.Index(condition=models.Q(('state', 'pending')), fields=['kind', 'lane', 'available_at', 'id'], name='workflows_message_due'), models.Index(condition=models.Q(('webhook__isnull', False)), fields=['webhook', 'state', 'available_at', 'id'], name='workflows_message_hook'), models.Index(condition=models.Q(('state__in', ['dead', 'failed'])), fields=['state', 'created_at'], name='workflows_message_stuck')],
                    'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('kind', 'event'), ('record__isnull', False)), models.Q(('kind', 'delivery'), ('notification__isnull', False)), models.Q(('kind', 'delivery'), ('webhook__isnull', False)), _connector='OR'), name='workflows_message_carries_something'), models.CheckConstraint(condition=models.Q(('state__in', ['pending', 'sent', 'failed', 'dead', 'cancelled'])), name='workflows_message_state'), models.UniqueConstraint(condition=models.Q(('kind', 'delivery')), fields=('notification', 'channel'), name='workflows_one_delivery')],
                },
            ),
            migrations.CreateModel(
                name='Wording',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('topic', models.CharField(max_length=150)),
                    ('subject', models.CharField(blank=True, max_length=200)),
                    ('body', models.TextField(blank=True)),
                    ('at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'ordering': ['-id'],
                    'indexes': [models.Index(fields=['topic', '-id'], name='workflows_wording_newest')],
                },
            ),
            migrations.CreateModel(
                name='AccessRecord',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('subject_type', models.CharField(max_length=100)),
                    ('subject_id', models.UUIDField()),
                    ('purpose', models.CharField(max_length=100)),
                    ('request_id', models.CharField(blank=True, max_length=64)),
                    ('at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('actor', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'ordering': ['-at'],
                    'indexes': [models.Index(fields=['subject_type', 'subject_id'], name='workflows_access_of')],
                },
            ),
            migrations.CreateModel(
                name='ChainLeaf',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('position', models.PositiveIntegerField()),
                    ('subject_type', models.CharField(max_length=100)),
                    ('subject_id', models.UUIDField()),
                    ('seq', models.PositiveIntegerField()),
                    ('hash', models.BinaryField(max_length=32)),
                    ('root', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='leaves', to='workflows.chainroot')),
                ],
                options={
                    'ordering': ['root', 'position'],
                    'indexes': [models.Index(fields=['subject_type', 'subject_id'], name='workflows_leaf_of')],
                    'constraints': [models.UniqueConstraint(fields=('root', 'position'), name='workflows_leaf_place_once')],
                },
            ),
            migrations.CreateModel(
                name='IdempotencyKey',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('key', models.CharField(max_length=64)),
                    ('route', models.CharField(max_length=200)),
                    ('digest', models.CharField(max_length=64)),
                    ('response_url', models.CharField(blank=True, max_length=500)),
                    ('created', models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
                    ('actor', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('actor', 'key'), name='workflows_key_once')],
                },
            ),
            migrations.CreateModel(
                name='MessagePreference',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('category', models.CharField(choices=[('dates', 'Due dates and reminders'), ('work', 'Your submissions'), ('results', 'Results'), ('confirming', 'Confirmation from work'), ('time', 'More time'), ('marking', 'Marking'), ('moderation', 'Moderation'), ('sign_off', 'Confirming and publishing results'), ('catalogue', 'Micro-credentials'), ('delivery', 'Running a delivery'), ('account', 'Your account and parts')], max_length=12)),
                    ('frequency', models.CharField(choices=[('now', 'At once'), ('daily', 'Once a day'), ('weekly', 'Once a week'), ('inapp', 'Only here, no e-mail')], max_length=8)),
                    ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('user', 'category'), name='workflows_preference_once')],
                },
            ),
            migrations.CreateModel(
                name='NonWorkingDay',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('day', models.DateField()),
                    ('name', models.CharField(max_length=200)),
                    ('kind', models.CharField(choices=[('holiday', 'Public holiday'), ('anniversary', 'Regional anniversary'), ('closed', 'Closed')], max_length=12)),
                    ('region', models.CharField(blank=True, choices=[('auckland', 'Auckland'), ('northland', 'Northland'), ('wellington', 'Wellington'), ('nelson', 'Nelson'), ('marlborough', 'Marlborough'), ('taranaki', 'Taranaki'), ('otago', 'Otago'), ('southland', 'Southland'), ('south-canterbury', 'South Canterbury'), ('hawkes-bay', 'Hawke’s Bay'), ('canterbury', 'Canterbury'), ('westland', 'Westland'), ('chatham', 'Chatham Islands')], max_length=30)),
                    ('source', models.CharField(choices=[('rule', 'Computed'), ('typed', 'Entered'), ('imported', 'Imported')], max_length=10)),
                    ('added_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('removed_at', models.DateTimeField(blank=True, null=True)),
                    ('added_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('removed_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'ordering': ['day', 'region'],
                    'constraints': [models.UniqueConstraint(condition=models.Q(('removed_at__isnull', True)), fields=('day', 'region'), name='workflows_day_off_once')],
                },
            ),
            migrations.CreateModel(
                name='DeliveryAttempt',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('token', models.UUIDField(blank=True, null=True)),
                    ('started_at', models.DateTimeField()),
                    ('ended_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('result', models.CharField(choices=[('sent', 'Accepted'), ('deferred', 'Try again later'), ('refused', 'Refused for good'), ('unknown', 'Connection lost, not known'), ('cancelled', 'No longer wanted'), ('fenced', 'Another worker had taken over'), ('requeued', 'Put back by a person')], max_length=10)),
                    ('answer', models.TextField(blank=True)),
                    ('actor', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('message', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='tries', to='workflows.outboxmessage')),
                ],
                options={
                    'ordering': ['id'],
                    'indexes': [models.Index(fields=['ended_at', 'result'], name='workflows_attempt_when')],
                },
            ),
            migrations.CreateModel(
                name='Reminder',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('offset', models.CharField(max_length=10)),
                    ('generation', models.PositiveIntegerField(default=1)),
                    ('fire_at', models.DateTimeField()),
                    ('state', models.CharField(choices=[('planned', 'Planned'), ('fired', 'Sent out'), ('cancelled', 'Cancelled'), ('superseded', 'Overtaken')], default='planned', max_length=10)),
                    ('because', models.CharField(blank=True, max_length=100)),
                    ('fired_at', models.DateTimeField(blank=True, null=True)),
                    ('deadline', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reminders', to='workflows.deadline')),
                    ('recipient', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reminders', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'ordering': ['fire_at', 'id'],
                    'indexes': [models.Index(condition=models.Q(('state', 'planned')), fields=['fire_at', 'id'], name='workflows_reminder_due')],
                    'constraints': [models.UniqueConstraint(fields=('deadline', 'offset', 'recipient'), name='workflows_reminder_once')],
                },
            ),
            migrations.CreateModel(
                name='SuspendedAddress',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('address', models.EmailField(max_length=254)),
                    ('because', models.CharField(choices=[('bounce', 'Mail came back'), ('complaint', 'Reported as unwanted')], max_length=10)),
                    ('detail', models.CharField(blank=True, max_length=500)),
                    ('since', models.DateTimeField(default=django.utils.timezone.now)),
                    ('cleared_at', models.DateTimeField(blank=True, null=True)),
                    ('left_at', models.DateTimeField(blank=True, null=True)),
                    ('cleared_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('left_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'ordering': ['-since'],
                    'constraints': [models.UniqueConstraint(condition=models.Q(('cleared_at__isnull', True)), fields=('address',), name='workflows_suspended_once')],
                },
            ),
        ]),
        migrations.RunPython(fill_in, migrations.RunPython.noop),
    ]
