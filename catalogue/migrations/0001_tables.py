"""Every table as it stood before the first release."""

import django.db.models.deletion
import django.utils.timezone
import django_fsm
import uuid
from django.conf import settings
from django.db import migrations, models

from accounts.migrations._together import CreateModels


class Migration(migrations.Migration):

    replaces = [('catalogue', '0001_initial'), ('catalogue', '0002_listing_and_checklist'), ('catalogue', '0003_delivery_region'), ('catalogue', '0004_files_by_task'), ('catalogue', '0005_enrolment_site_and_recognition'), ('catalogue', '0006_pre_moderation_decisions'), ('catalogue', '0007_bind_earlier_approvals'), ('catalogue', '0008_escalations')]

    initial = True

    dependencies = [
        ('accounts', '0001_tables'),
        ('accounts', '0001_tables'),
    ]

    operations = [
        CreateModels([
            migrations.CreateModel(
                name='GradeScheme',
                fields=[
                    ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                    ('code', models.SlugField(unique=True)),
                    ('name', models.CharField(max_length=100)),
                    ('kind', models.CharField(choices=[('competency', 'Achieved or not'), ('merit', 'Not achieved, Achieved, Merit, Excellence'), ('letters', 'Letters with percentages')], max_length=20)),
                ],
            ),
            migrations.CreateModel(
                name='MicroCredential',
                fields=[
                    ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                    ('code', models.SlugField(unique=True)),
                    ('visibility', models.CharField(choices=[('public', 'Public'), ('client', 'One client organisation')], default='public', max_length=10)),
                    ('client', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='own_micro_credentials', to='accounts.organisation')),
                    ('provider', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='micro_credentials', to='accounts.organisation')),
                ],
                options={
                    'ordering': ['code'],
                    'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('client__isnull', True), ('visibility', 'public')), models.Q(('client__isnull', False), ('visibility', 'client')), _connector='OR'), name='catalogue_client_only_where_private')],
                },
            ),
            migrations.CreateModel(
                name='MicroCredentialVersion',
                fields=[
                    ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                    ('seq', models.PositiveIntegerField(default=0, editable=False)),
                    ('version', models.PositiveIntegerField(default=1, editable=False)),
                    ('state', django_fsm.FSMField(choices=[('draft', 'Draft'), ('in_pre_moderation', 'In pre-assessment moderation'), ('approved', 'Approved'), ('published', 'Published'), ('retired', 'Retired')], default='draft', max_length=30, protected=True)),
                    ('number', models.PositiveSmallIntegerField()),
                    ('title', models.CharField(max_length=200)),
                    ('title_mi', models.CharField(blank=True, max_length=200)),
                    ('credits', models.PositiveSmallIntegerField()),
                    ('level', models.PositiveSmallIntegerField()),
                    ('purpose', models.TextField()),
                    ('delivery_modes', models.JSONField(default=list)),
                    ('policy', models.JSONField(default=dict)),
                    ('listing', models.JSONField(blank=True, default=dict)),
                    ('definition_hash', models.CharField(max_length=64)),
                    ('review_interval_months', models.PositiveSmallIntegerField(default=12)),
                    ('pre_moderation_note', models.TextField(blank=True)),
                    ('pre_moderation_checklist', models.JSONField(blank=True, default=dict)),
                    ('approved_policy', models.JSONField(db_default=models.Value({}, models.JSONField()), default=dict)),
                    ('approved_at', models.DateTimeField(blank=True, null=True)),
                    ('published_at', models.DateTimeField(blank=True, null=True)),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('author', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='versions_written', to=settings.AUTH_USER_MODEL)),
                    ('grade_scheme', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='versions', to='catalogue.gradescheme')),
                    ('micro_credential', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='versions', to='catalogue.microcredential')),
                    ('pre_moderator', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='versions_pre_moderated', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'ordering': ['micro_credential', 'number'],
                    'constraints': [models.UniqueConstraint(fields=('micro_credential', 'number'), name='catalogue_version_number_once'), models.CheckConstraint(condition=models.Q(('state__in', ['draft', 'in_pre_moderation', 'approved', 'published', 'retired'])), name='catalogue_version_state_known'), models.CheckConstraint(condition=models.Q(('credits__gte', 1), ('credits__lte', 40)), name='catalogue_version_credits_1_to_40'), models.CheckConstraint(condition=models.Q(('level__gte', 1), ('level__lte', 10)), name='catalogue_version_level_1_to_10'), models.CheckConstraint(condition=models.Q(('pre_moderator__isnull', True), models.Q(('pre_moderator', models.F('author')), _negated=True), _connector='OR'), name='catalogue_pre_moderator_is_not_author')],
                },
                bases=(django_fsm.ConcurrentTransitionMixin, models.Model),
            ),
            migrations.CreateModel(
                name='LearningOutcome',
                fields=[
                    ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                    ('number', models.PositiveSmallIntegerField()),
                    ('title', models.CharField(max_length=200)),
                    ('text', models.TextField(blank=True)),
                    ('version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='outcomes', to='catalogue.microcredentialversion')),
                ],
                options={
                    'ordering': ['version', 'number'],
                    'constraints': [models.UniqueConstraint(fields=('version', 'number'), name='catalogue_outcome_once')],
                },
            ),
            migrations.CreateModel(
                name='Delivery',
                fields=[
                    ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                    ('code', models.SlugField(unique=True)),
                    ('title', models.CharField(max_length=200)),
                    ('mode', models.CharField(choices=[('online_live', 'Online, live'), ('self_paced', 'Self-paced'), ('in_person_series', 'In person, series'), ('in_person_block', 'In person, block'), ('on_the_job', 'On the job')], max_length=20)),
                    ('time_zone', models.CharField(default='Pacific/Auckland', max_length=64)),
                    ('region', models.CharField(blank=True, choices=[('auckland', 'Auckland'), ('northland', 'Northland'), ('wellington', 'Wellington'), ('nelson', 'Nelson'), ('marlborough', 'Marlborough'), ('taranaki', 'Taranaki'), ('otago', 'Otago'), ('southland', 'Southland'), ('south-canterbury', 'South Canterbury'), ('hawkes-bay', 'Hawke’s Bay'), ('canterbury', 'Canterbury'), ('westland', 'Westland'), ('chatham', 'Chatham Islands')], db_default='', default='', max_length=30)),
                    ('starts_on', models.DateField()),
                    ('ends_on', models.DateField()),
                    ('policy_overrides', models.JSONField(blank=True, default=dict)),
                    ('opened_at', models.DateTimeField(blank=True, null=True)),
                    ('closed_at', models.DateTimeField(blank=True, null=True)),
                    ('client', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='deliveries', to='accounts.organisation')),
                    ('version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='deliveries', to='catalogue.microcredentialversion')),
                ],
                options={
                    'verbose_name_plural': 'deliveries',
                    'ordering': ['-starts_on', 'code'],
                },
            ),
            migrations.CreateModel(
                name='AssessmentTask',
                fields=[
                    ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                    ('number', models.PositiveSmallIntegerField()),
                    ('title', models.CharField(max_length=200)),
                    ('brief', models.TextField()),
                    ('ai_policy', models.CharField(choices=[('not_allowed', 'Not allowed'), ('with_declaration', 'Allowed, with declaration'), ('required', 'Part of the task')], default='with_declaration', max_length=20)),
                    ('attestations_required', models.PositiveSmallIntegerField(default=0)),
                    ('file_types', models.JSONField(blank=True, default=list)),
                    ('file_max_megabytes', models.PositiveIntegerField(blank=True, null=True)),
                    ('version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='tasks', to='catalogue.microcredentialversion')),
                ],
                options={
                    'ordering': ['version', 'number'],
                    'constraints': [models.UniqueConstraint(fields=('version', 'number'), name='catalogue_task_once')],
                },
            ),
            migrations.CreateModel(
                name='PreModeration',
                fields=[
                    ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                    ('number', models.PositiveSmallIntegerField()),
                    ('decision', models.CharField(choices=[('approved', 'Approved'), ('changes_required', 'Changes required')], max_length=20)),
                    ('at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('note', models.TextField(blank=True)),
                    ('checklist', models.JSONField(default=list)),
                    ('parts', models.JSONField(default=dict)),
                    ('policy', models.JSONField(default=dict)),
                    ('moderator', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='pre_moderations', to=settings.AUTH_USER_MODEL)),
                    ('version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='pre_moderations', to='catalogue.microcredentialversion')),
                ],
                options={
                    'ordering': ['version', 'number'],
                    'constraints': [models.UniqueConstraint(fields=('version', 'number'), name='catalogue_pre_moderation_once'), models.CheckConstraint(condition=models.Q(('decision__in', ['approved', 'changes_required'])), name='catalogue_pre_moderation_decision_known')],
                },
            ),
            migrations.CreateModel(
                name='Rubric',
                fields=[
                    ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                    ('content_hash', models.CharField(max_length=64)),
                    ('task', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='rubric', to='catalogue.assessmenttask')),
                ],
            ),
            migrations.CreateModel(
                name='Criterion',
                fields=[
                    ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                    ('number', models.PositiveSmallIntegerField()),
                    ('code', models.CharField(max_length=10)),
                    ('title', models.CharField(max_length=200)),
                    ('description', models.TextField(blank=True)),
                    ('good_looks_like', models.TextField(blank=True)),
                    ('reflection_prompt', models.CharField(blank=True, max_length=300)),
                    ('is_required', models.BooleanField(default=True)),
                    ('weight', models.DecimalField(decimal_places=2, default=1, max_digits=6)),
                    ('outcome', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='criteria', to='catalogue.learningoutcome')),
                    ('rubric', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='criteria', to='catalogue.rubric')),
                ],
                options={
                    'ordering': ['rubric', 'number'],
                    'constraints': [models.UniqueConstraint(fields=('rubric', 'number'), name='catalogue_criterion_once'), models.UniqueConstraint(fields=('rubric', 'code'), name='catalogue_criterion_code_once')],
                },
            ),
            migrations.CreateModel(
                name='StackingRule',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('target_code', models.SlugField()),
                    ('target_title', models.CharField(max_length=200)),
                    ('max_credits', models.PositiveSmallIntegerField()),
                    ('version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='stacks_into', to='catalogue.microcredentialversion')),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('version', 'target_code'), name='catalogue_stacking_once')],
                },
            ),
            migrations.CreateModel(
                name='TaskSchedule',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('opens_at', models.DateTimeField()),
                    ('due_at', models.DateTimeField()),
                    ('cut_off_at', models.DateTimeField()),
                    ('delivery', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='schedules', to='catalogue.delivery')),
                    ('task', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='schedules', to='catalogue.assessmenttask')),
                ],
                options={
                    'ordering': ['due_at'],
                    'constraints': [models.UniqueConstraint(fields=('delivery', 'task'), name='catalogue_schedule_once'), models.CheckConstraint(condition=models.Q(('due_at__lte', models.F('cut_off_at')), ('opens_at__lt', models.F('due_at'))), name='catalogue_schedule_in_order')],
                },
            ),
            migrations.CreateModel(
                name='DeliveryRole',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('role', models.CharField(choices=[('assessor', 'Assessor'), ('moderator', 'Moderator'), ('external_moderator', 'External moderator'), ('lead_moderator', 'Lead moderator'), ('ratifier', 'Ratifier'), ('administrator', 'Programme administrator')], max_length=20)),
                    ('since', models.DateTimeField(default=django.utils.timezone.now)),
                    ('ended_at', models.DateTimeField(blank=True, null=True)),
                    ('delivery', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='roles', to='catalogue.delivery')),
                    ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='delivery_roles', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'ordering': ['delivery', 'role', 'user'],
                    'constraints': [models.UniqueConstraint(condition=models.Q(('ended_at__isnull', True)), fields=('delivery', 'user', 'role'), name='catalogue_role_once_while_live')],
                },
            ),
            migrations.CreateModel(
                name='Enrolment',
                fields=[
                    ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                    ('site', models.CharField(blank=True, db_default='', default='', max_length=100)),
                    ('recognition', models.BooleanField(db_default=False, default=False)),
                    ('enrolled_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('ended_at', models.DateTimeField(blank=True, null=True)),
                    ('delivery', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='enrolments', to='catalogue.delivery')),
                    ('employer', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='enrolments', to='accounts.organisation')),
                    ('learner', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='enrolments', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'ordering': ['delivery', 'learner'],
                    'constraints': [models.UniqueConstraint(fields=('delivery', 'learner'), name='catalogue_enrolment_once')],
                },
            ),
            migrations.CreateModel(
                name='Escalation',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('kind', models.CharField(choices=[('submission', 'A learner has not submitted'), ('resubmission', 'A learner has not sent further evidence'), ('marking', 'A submission is not marked'), ('moderation', 'An item of a sample is not read'), ('extension_decision', 'A request for more time is not answered')], max_length=20)),
                    ('after', models.PositiveSmallIntegerField(default=1)),
                    ('roles', models.JSONField(default=list)),
                    ('changed_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('changed_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('delivery', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='escalations', to='catalogue.delivery')),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('delivery', 'kind'), name='catalogue_escalation_once')],
                },
            ),
            migrations.CreateModel(
                name='Grade',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('code', models.CharField(max_length=10)),
                    ('label', models.CharField(max_length=50)),
                    ('label_mi', models.CharField(blank=True, max_length=50)),
                    ('rank', models.PositiveSmallIntegerField()),
                    ('is_pass', models.BooleanField()),
                    ('min_percent', models.DecimalField(blank=True, decimal_places=2, max_digits=5, null=True)),
                    ('max_percent', models.DecimalField(blank=True, decimal_places=2, max_digits=5, null=True)),
                    ('scheme', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='grades', to='catalogue.gradescheme')),
                ],
                options={
                    'ordering': ['scheme', 'rank'],
                    'constraints': [models.UniqueConstraint(fields=('scheme', 'code'), name='catalogue_grade_code_once'), models.UniqueConstraint(fields=('scheme', 'rank'), name='catalogue_grade_rank_once')],
                },
            ),
            migrations.CreateModel(
                name='Level',
                fields=[
                    ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                    ('rank', models.PositiveSmallIntegerField()),
                    ('code', models.CharField(max_length=10)),
                    ('label', models.CharField(max_length=50)),
                    ('descriptor', models.TextField()),
                    ('is_met', models.BooleanField()),
                    ('percent', models.DecimalField(blank=True, decimal_places=2, max_digits=5, null=True)),
                    ('criterion', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='levels', to='catalogue.criterion')),
                ],
                options={
                    'ordering': ['criterion', 'rank'],
                    'constraints': [models.UniqueConstraint(fields=('criterion', 'rank'), name='catalogue_level_rank_once'), models.UniqueConstraint(fields=('criterion', 'code'), name='catalogue_level_code_once')],
                },
            ),
        ]),
    ]
