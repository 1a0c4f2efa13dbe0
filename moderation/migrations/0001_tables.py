"""Every table as it stood before the first release."""

import django.db.models.deletion
import django.utils.timezone
import django_fsm
import uuid
from django.conf import settings
from django.db import migrations, models

from accounts.migrations._together import CreateModels


class Migration(migrations.Migration):

    replaces = [('moderation', '0001_initial'), ('moderation', '0002_plan_versions'), ('moderation', '0003_record_contents'), ('moderation', '0004_stored_figures'), ('moderation', '0005_required_actions'), ('moderation', '0006_severity_figures_and_reading_mode'), ('moderation', '0007_external_reviews'), ('moderation', '0008_meetings'), ('moderation', '0009_look_again'), ('moderation', '0010_pointers_of_readings')]

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
                name='StoredFigures',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('key', models.CharField(max_length=64, unique=True)),
                    ('figures', models.JSONField(default=dict)),
                    ('made_at', models.DateTimeField(default=django.utils.timezone.now)),
                ],
            ),
            migrations.CreateModel(
                name='Meeting',
                fields=[
                    ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                    ('held_on', models.DateField()),
                    ('others', models.TextField(blank=True)),
                    ('readings', models.TextField(blank=True)),
                    ('decisions', models.TextField(blank=True)),
                    ('actions', models.TextField(blank=True)),
                    ('version', models.PositiveIntegerField(default=1)),
                    ('made_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('signed_at', models.DateTimeField(blank=True, null=True)),
                    ('attendees', models.ManyToManyField(related_name='meetings', to=settings.AUTH_USER_MODEL)),
                    ('exemplars', models.ManyToManyField(blank=True, related_name='meetings', to='assessment.exemplar')),
                    ('made_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('signed_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('submissions', models.ManyToManyField(blank=True, related_name='meetings', to='portfolios.submission')),
                    ('task', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='meetings', to='catalogue.assessmenttask')),
                ],
                options={
                    'ordering': ['-held_on', 'pk'],
                    'constraints': [models.CheckConstraint(condition=models.Q(('signed_at__isnull', True), ('signed_by__isnull', False), _connector='OR'), name='moderation_meeting_signed_by_somebody')],
                },
            ),
            migrations.CreateModel(
                name='MeetingAmendment',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('text', models.TextField()),
                    ('made_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('made_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('meeting', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='amendments', to='moderation.meeting')),
                ],
                options={
                    'ordering': ['made_at', 'pk'],
                },
            ),
            migrations.CreateModel(
                name='ModerationRound',
                fields=[
                    ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                    ('seq', models.PositiveIntegerField(default=0, editable=False)),
                    ('version', models.PositiveIntegerField(default=1, editable=False)),
                    ('state', django_fsm.FSMField(choices=[('draft', 'Draft'), ('frozen', 'Frozen'), ('reviewing', 'Being read'), ('decided', 'Decided'), ('closed', 'Closed'), ('reopened', 'Reopened')], default='draft', max_length=30, protected=True)),
                    ('number', models.PositiveSmallIntegerField()),
                    ('opened_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('policy', models.JSONField(default=dict)),
                    ('policy_hash', models.CharField(blank=True, max_length=64)),
                    ('population_hash', models.CharField(blank=True, max_length=64)),
                    ('population_size', models.PositiveIntegerField(default=0)),
                    ('algorithm', models.CharField(blank=True, max_length=20)),
                    ('seed', models.CharField(blank=True, max_length=64)),
                    ('extensions_owed', models.JSONField(blank=True, default=list)),
                    ('decision', models.CharField(blank=True, choices=[('accept', 'Accept'), ('accept_with_actions', 'Accept with actions'), ('adjust_set', 'Adjust the set'), ('reassess_set', 'Reassess the set'), ('extend_sample', 'Extend the sample')], max_length=20)),
                    ('decision_reason', models.TextField(blank=True)),
                    ('adjustment', models.JSONField(blank=True, default=dict)),
                    ('required_actions', models.TextField(blank=True)),
                    ('draws', models.JSONField(blank=True, default=list)),
                    ('decided_at', models.DateTimeField(blank=True, null=True)),
                    ('approved_at', models.DateTimeField(blank=True, null=True)),
                    ('statistics', models.JSONField(blank=True, default=dict)),
                    ('assurance', models.JSONField(blank=True, default=dict)),
                    ('readings', models.JSONField(blank=True, default=dict)),
                    ('closed_at', models.DateTimeField(blank=True, null=True)),
                    ('approved_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('decided_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('delivery', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='rounds', to='catalogue.delivery')),
                    ('opened_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('task', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='rounds', to='catalogue.assessmenttask')),
                ],
                options={
                    'ordering': ['-opened_at'],
                    'constraints': [models.CheckConstraint(condition=models.Q(('state__in', ['draft', 'frozen', 'reviewing', 'decided', 'closed', 'reopened'])), name='moderation_round_state_known'), models.UniqueConstraint(fields=('delivery', 'task', 'number'), name='moderation_round_number_once'), models.UniqueConstraint(condition=models.Q(('state', 'closed'), _negated=True), fields=('delivery', 'task'), name='moderation_one_open_round')],
                },
                bases=(django_fsm.ConcurrentTransitionMixin, models.Model),
            ),
            migrations.CreateModel(
                name='ExternalReview',
                fields=[
                    ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                    ('opens_at', models.DateTimeField()),
                    ('closes_at', models.DateTimeField()),
                    ('asked', models.TextField(blank=True)),
                    ('invited_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('revoked_at', models.DateTimeField(blank=True, null=True)),
                    ('finding', models.CharField(blank=True, choices=[('confirmed', 'The judgements are sound'), ('with_advice', 'The judgements are sound, with recommendations'), ('not_confirmed', 'The judgements are not sound')], max_length=20)),
                    ('report', models.TextField(blank=True)),
                    ('submitted_at', models.DateTimeField(blank=True, null=True)),
                    ('invited_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('person', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='external_reviews', to=settings.AUTH_USER_MODEL)),
                    ('revoked_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('round', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='external_reviews', to='moderation.moderationround')),
                ],
                options={
                    'ordering': ['-opens_at', 'pk'],
                    'constraints': [models.CheckConstraint(condition=models.Q(('opens_at__lt', models.F('closes_at'))), name='moderation_external_span_in_order'), models.CheckConstraint(condition=models.Q(('submitted_at__isnull', True), models.Q(models.Q(('finding', ''), _negated=True), models.Q(('report', ''), _negated=True)), _connector='OR'), name='moderation_external_report_whole')],
                },
            ),
            migrations.CreateModel(
                name='ModeratorReading',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('mode', models.CharField(choices=[('blind', 'Blind'), ('sighted', 'With the assessor’s decision in sight')], db_default='blind', default='blind', max_length=10)),
                    ('outcome', models.CharField(blank=True, max_length=15)),
                    ('comment', models.TextField(blank=True)),
                    ('sufficiency', models.CharField(blank=True, choices=[('yes', 'Yes'), ('partly', 'In part'), ('no', 'No')], max_length=10)),
                    ('sufficiency_note', models.TextField(blank=True)),
                    ('inclusion_note', models.TextField(blank=True)),
                    ('declaration', models.TextField(blank=True)),
                    ('version', models.PositiveIntegerField(default=1)),
                    ('saved_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('sealed_at', models.DateTimeField(blank=True, null=True)),
                    ('moderator', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='readings', to=settings.AUTH_USER_MODEL)),
                ],
            ),
            migrations.CreateModel(
                name='ModeratorJudgement',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('comment', models.TextField(blank=True)),
                    ('criterion', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalogue.criterion')),
                    ('level', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalogue.level')),
                    ('pointers', models.ManyToManyField(blank=True, related_name='+', to='portfolios.submissionevidence')),
                    ('reading', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='judgements', to='moderation.moderatorreading')),
                ],
                options={
                    'ordering': ['criterion__number'],
                    'constraints': [models.UniqueConstraint(fields=('reading', 'criterion'), name='moderation_judgement_once')],
                },
            ),
            migrations.CreateModel(
                name='PlanVersion',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('number', models.PositiveSmallIntegerField()),
                    ('reason', models.TextField()),
                    ('policy', models.JSONField(default=dict)),
                    ('policy_hash', models.CharField(max_length=64)),
                    ('algorithm', models.CharField(max_length=20)),
                    ('seed', models.CharField(max_length=64)),
                    ('population', models.TextField()),
                    ('population_hash', models.CharField(max_length=64)),
                    ('decisions', models.JSONField(default=list)),
                    ('decisions_hash', models.CharField(max_length=64)),
                    ('made_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('made_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('round', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='plans', to='moderation.moderationround')),
                ],
                options={
                    'ordering': ['round', 'number'],
                    'constraints': [models.UniqueConstraint(fields=('round', 'number'), name='moderation_plan_number_once')],
                },
            ),
            migrations.CreateModel(
                name='RequiredAction',
                fields=[
                    ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                    ('text', models.TextField()),
                    ('due_on', models.DateField()),
                    ('made_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('response', models.TextField(blank=True)),
                    ('responded_at', models.DateTimeField(blank=True, null=True)),
                    ('closing_note', models.TextField(blank=True)),
                    ('closed_at', models.DateTimeField(blank=True, null=True)),
                    ('closed_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('made_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('owner', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='moderation_actions', to=settings.AUTH_USER_MODEL)),
                    ('round', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='actions', to='moderation.moderationround')),
                ],
                options={
                    'ordering': ['due_on', 'made_at', 'pk'],
                    'constraints': [models.CheckConstraint(condition=models.Q(('closed_at__isnull', True), models.Q(('closed_by__isnull', False), models.Q(('closing_note', ''), _negated=True)), _connector='OR'), name='moderation_action_closed_with_note')],
                },
            ),
            migrations.CreateModel(
                name='RoundMember',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('position', models.PositiveIntegerField()),
                    ('code', models.CharField(default='', max_length=12)),
                    ('assessor_code', models.CharField(default='', max_length=12)),
                    ('plan', models.PositiveSmallIntegerField(default=1)),
                    ('stratum', models.CharField(max_length=120)),
                    ('targeted_for', models.JSONField(default=list)),
                    ('assessor', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('decision', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='round_members', to='assessment.assessmentdecision')),
                    ('round', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='members', to='moderation.moderationround')),
                    ('submission', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='round_members', to='portfolios.submission')),
                ],
                options={
                    'ordering': ['round', 'position'],
                    'constraints': [models.UniqueConstraint(fields=('round', 'submission'), name='moderation_member_once'), models.UniqueConstraint(fields=('round', 'position'), name='moderation_position_once'), models.UniqueConstraint(condition=models.Q(('code', ''), _negated=True), fields=('round', 'code'), name='moderation_code_once')],
                },
            ),
            migrations.CreateModel(
                name='SampleItem',
                fields=[
                    ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                    ('seq', models.PositiveIntegerField(default=0, editable=False)),
                    ('version', models.PositiveIntegerField(default=1, editable=False)),
                    ('state', django_fsm.FSMField(choices=[('drawn', 'To read'), ('scored', 'Read blind'), ('upheld', 'Upheld'), ('adjusted', 'Adjusted'), ('returned', 'Returned to the assessor'), ('escalated', 'Escalated')], default='drawn', max_length=30, protected=True)),
                    ('part', models.CharField(choices=[('targeted', 'Targeted'), ('random', 'Random')], max_length=10)),
                    ('reasons', models.JSONField(default=list)),
                    ('stratum', models.CharField(max_length=120)),
                    ('draw', models.PositiveSmallIntegerField(default=1)),
                    ('inclusion_probability', models.FloatField()),
                    ('allocated_at', models.DateTimeField(blank=True, null=True)),
                    ('due_at', models.DateTimeField(blank=True, null=True)),
                    ('resolved_at', models.DateTimeField(blank=True, null=True)),
                    ('superseded_at', models.DateTimeField(blank=True, null=True)),
                    ('decision', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='sample_items', to='assessment.assessmentdecision')),
                    ('moderator', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='sample_items', to=settings.AUTH_USER_MODEL)),
                    ('round', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='items', to='moderation.moderationround')),
                    ('submission', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='sample_items', to='portfolios.submission')),
                ],
                options={
                    'ordering': ['round', 'draw', 'id'],
                    'indexes': [models.Index(fields=['moderator', 'state'], name='moderation_items_of_person')],
                    'constraints': [models.CheckConstraint(condition=models.Q(('state__in', ['drawn', 'scored', 'upheld', 'adjusted', 'returned', 'escalated'])), name='moderation_item_state_known'), models.UniqueConstraint(condition=models.Q(('superseded_at__isnull', True)), fields=('round', 'submission'), name='moderation_item_once_in_round')],
                },
                bases=(django_fsm.ConcurrentTransitionMixin, models.Model),
            ),
        ]),
        migrations.AddField(
            model_name='moderatorreading',
            name='item',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='readings', to='moderation.sampleitem'),
        ),
        CreateModels([
            migrations.CreateModel(
                name='ModerationDecision',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('outcome', models.CharField(choices=[('drawn', 'To read'), ('scored', 'Read blind'), ('upheld', 'Upheld'), ('adjusted', 'Adjusted'), ('returned', 'Returned to the assessor'), ('escalated', 'Escalated')], max_length=10)),
                    ('reason', models.TextField(blank=True)),
                    ('differences', models.JSONField(default=list)),
                    ('disagreement', models.CharField(blank=True, choices=[('', 'None'), ('grade', 'Another level'), ('pass_fail', 'Another outcome')], max_length=10)),
                    ('feedback_quality', models.CharField(blank=True, choices=[('yes', 'Yes'), ('partly', 'In part'), ('no', 'No')], max_length=10)),
                    ('feedback_note', models.TextField(blank=True)),
                    ('factual_error', models.BooleanField(default=False)),
                    ('changes_result', models.BooleanField(default=False)),
                    ('decided_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('compared_with', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='assessment.assessmentdecision')),
                    ('moderator', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('new_decision', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='assessment.assessmentdecision')),
                    ('item', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='decisions', to='moderation.sampleitem')),
                ],
                options={
                    'ordering': ['decided_at'],
                },
            ),
            migrations.CreateModel(
                name='ExternalComment',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('text', models.TextField()),
                    ('saved_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('review', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='comments', to='moderation.externalreview')),
                    ('item', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='external_comments', to='moderation.sampleitem')),
                ],
                options={
                    'ordering': ['item'],
                    'constraints': [models.UniqueConstraint(fields=('review', 'item'), name='moderation_external_comment_once')],
                },
            ),
            migrations.CreateModel(
                name='SeverityFigures',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('rounds', models.PositiveIntegerField()),
                    ('until', models.DateTimeField()),
                    ('figures', models.JSONField(default=dict)),
                    ('made_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('task', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='severity_figures', to='catalogue.assessmenttask')),
                ],
            ),
            migrations.CreateModel(
                name='AssessorWatch',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('reason', models.TextField()),
                    ('since', models.DateTimeField(default=django.utils.timezone.now)),
                    ('ended_at', models.DateTimeField(blank=True, null=True)),
                    ('assessor', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='watches', to=settings.AUTH_USER_MODEL)),
                    ('delivery', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='watches', to='catalogue.delivery')),
                    ('set_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'constraints': [models.UniqueConstraint(condition=models.Q(('ended_at__isnull', True)), fields=('assessor', 'delivery'), name='moderation_one_live_watch')],
                },
            ),
        ]),
        migrations.AddConstraint(
            model_name='moderatorreading',
            constraint=models.UniqueConstraint(fields=('item', 'moderator'), name='moderation_reading_once'),
        ),
    ]
