"""Every table as it stood before the first release."""

import django.db.models.deletion
import django.utils.timezone
import uuid
from django.conf import settings
from django.db import migrations, models

from accounts.migrations._together import CreateModels


class Migration(migrations.Migration):

    replaces = [('assessment', '0001_initial'), ('assessment', '0002_exemplars'), ('assessment', '0003_comments_on_evidence'), ('assessment', '0004_early_checks'), ('assessment', '0005_calibration'), ('assessment', '0006_reason_codes')]

    initial = True

    dependencies = [
        ('accounts', '0001_tables'),
        ('catalogue', '0001_tables'),
        ('portfolios', '0001_tables'),
    ]

    operations = [
        CreateModels([
            migrations.CreateModel(
                name='AssessmentDecision',
                fields=[
                    ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                    ('basis', models.CharField(choices=[('assessment', 'Assessment'), ('second_assessment', 'Second assessment'), ('adjudication', 'Adjudication'), ('moderation', 'Moderation of the set'), ('correction', 'Authorised correction'), ('reconsideration', 'Reconsideration')], default='assessment', max_length=20)),
                    ('number', models.PositiveSmallIntegerField()),
                    ('manifest_hash', models.CharField(max_length=64)),
                    ('rubric_hash', models.CharField(max_length=64)),
                    ('policy_hash', models.CharField(max_length=64)),
                    ('outcome', models.CharField(blank=True, choices=[('achieved', 'Achieved'), ('not_achieved', 'Not achieved')], max_length=15)),
                    ('percent', models.DecimalField(blank=True, decimal_places=2, max_digits=5, null=True)),
                    ('feedback', models.TextField(blank=True)),
                    ('staff_note', models.TextField(blank=True)),
                    ('reason', models.TextField(blank=True)),
                    ('reason_code', models.CharField(blank=True, choices=[('overlooked', 'Evidence was overlooked'), ('reading', 'The rubric was read differently'), ('fact', 'There was an error of fact'), ('feedback', 'The feedback was missing or unclear'), ('standard', 'The standard was applied evenly to the whole set'), ('other', 'Something else')], db_default='', max_length=12)),
                    ('version', models.PositiveIntegerField(default=1)),
                    ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('saved_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('sealed_at', models.DateTimeField(blank=True, null=True)),
                    ('final_at', models.DateTimeField(blank=True, null=True)),
                    ('approved_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('author', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='decisions', to=settings.AUTH_USER_MODEL)),
                    ('grade', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalogue.grade')),
                    ('submission', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='decisions', to='portfolios.submission')),
                ],
                options={
                    'ordering': ['submission', 'number'],
                    'constraints': [models.UniqueConstraint(fields=('submission', 'number'), name='assessment_decision_number_once'), models.UniqueConstraint(condition=models.Q(('sealed_at__isnull', True)), fields=('submission', 'author'), name='assessment_one_draft_per_author'), models.CheckConstraint(condition=models.Q(('final_at__isnull', True), models.Q(('sealed_at__isnull', False), models.Q(('outcome', ''), _negated=True)), _connector='OR'), name='assessment_final_is_sealed_with_outcome')],
                },
            ),
            migrations.CreateModel(
                name='CalibrationAttempt',
                fields=[
                    ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                    ('rubric_hash', models.CharField(max_length=64)),
                    ('started_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('concluded_at', models.DateTimeField(blank=True, null=True)),
                    ('passed', models.BooleanField(blank=True, null=True)),
                    ('figures', models.JSONField(default=dict)),
                    ('valid_until', models.DateTimeField(blank=True, null=True)),
                    ('assessor', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='calibrations', to=settings.AUTH_USER_MODEL)),
                    ('task', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='calibrations', to='catalogue.assessmenttask')),
                ],
                options={
                    'ordering': ['-started_at', 'pk'],
                    'constraints': [models.UniqueConstraint(condition=models.Q(('concluded_at__isnull', True)), fields=('assessor', 'rubric_hash'), name='assessment_one_open_calibration'), models.CheckConstraint(condition=models.Q(models.Q(('concluded_at__isnull', True), ('passed__isnull', True)), models.Q(('concluded_at__isnull', False), ('passed__isnull', False)), _connector='OR'), name='assessment_calibration_concluded_with_a_verdict')],
                },
            ),
            migrations.CreateModel(
                name='CalibrationItem',
                fields=[
                    ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                    ('number', models.PositiveSmallIntegerField()),
                    ('marked_at', models.DateTimeField(blank=True, null=True)),
                    ('outcome', models.CharField(blank=True, choices=[('achieved', 'Achieved'), ('not_achieved', 'Not achieved')], max_length=15)),
                    ('attempt', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='items', to='assessment.calibrationattempt')),
                ],
                options={
                    'ordering': ['attempt', 'number'],
                    'constraints': [models.UniqueConstraint(fields=('attempt', 'number'), name='assessment_calibration_item_once')],
                },
            ),
            migrations.CreateModel(
                name='CalibrationJudgement',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('reason', models.TextField(blank=True)),
                    ('criterion', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalogue.criterion')),
                    ('item', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='judgements', to='assessment.calibrationitem')),
                    ('level', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalogue.level')),
                ],
                options={
                    'ordering': ['criterion__number'],
                    'constraints': [models.UniqueConstraint(fields=('item', 'criterion'), name='assessment_calibration_judgement_once')],
                },
            ),
            migrations.CreateModel(
                name='CalibrationWaiver',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('rubric_hash', models.CharField(max_length=64)),
                    ('reason', models.TextField()),
                    ('waived_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('valid_until', models.DateTimeField()),
                    ('assessor', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='calibration_waivers', to=settings.AUTH_USER_MODEL)),
                    ('task', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='calibration_waivers', to='catalogue.assessmenttask')),
                    ('waived_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'ordering': ['-waived_at', 'pk'],
                    'constraints': [models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='assessment_waiver_says_why'), models.CheckConstraint(condition=models.Q(('assessor', models.F('waived_by')), _negated=True), name='assessment_nobody_waives_their_own')],
                },
            ),
            migrations.CreateModel(
                name='CriterionJudgement',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('feedback', models.TextField(blank=True)),
                    ('staff_note', models.TextField(blank=True)),
                    ('carried_over', models.BooleanField(default=False)),
                    ('criterion', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalogue.criterion')),
                    ('decision', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='judgements', to='assessment.assessmentdecision')),
                    ('level', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalogue.level')),
                    ('pointers', models.ManyToManyField(blank=True, related_name='+', to='portfolios.submissionevidence')),
                ],
                options={
                    'ordering': ['criterion__number'],
                    'constraints': [models.UniqueConstraint(fields=('decision', 'criterion'), name='assessment_judgement_once')],
                },
            ),
            migrations.CreateModel(
                name='EarlyCheck',
                fields=[
                    ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                    ('size', models.PositiveSmallIntegerField()),
                    ('opened_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('passed_at', models.DateTimeField(blank=True, null=True)),
                    ('delivery', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='early_checks', to='catalogue.delivery')),
                    ('passed_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('task', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='early_checks', to='catalogue.assessmenttask')),
                ],
                options={
                    'ordering': ['opened_at', 'pk'],
                    'constraints': [models.UniqueConstraint(fields=('delivery', 'task'), name='assessment_early_check_once'), models.CheckConstraint(condition=models.Q(models.Q(('passed_at__isnull', True), ('passed_by__isnull', True)), models.Q(('passed_at__isnull', False), ('passed_by__isnull', False)), _connector='OR'), name='assessment_early_check_passed_by_somebody')],
                },
            ),
            migrations.CreateModel(
                name='EarlyPlace',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('number', models.PositiveSmallIntegerField()),
                    ('since', models.DateTimeField(default=django.utils.timezone.now)),
                    ('check_of', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='places', to='assessment.earlycheck')),
                    ('submission', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='early_place', to='portfolios.submission')),
                ],
                options={
                    'ordering': ['check_of', 'number'],
                    'constraints': [models.UniqueConstraint(fields=('check_of', 'number'), name='assessment_early_place_once')],
                },
            ),
            migrations.CreateModel(
                name='EarlyReading',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('is_sound', models.BooleanField()),
                    ('note', models.TextField(blank=True)),
                    ('decision', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='assessment.assessmentdecision')),
                    ('moderator', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('place', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='readings', to='assessment.earlyplace')),
                ],
                options={
                    'ordering': ['at', 'pk'],
                    'constraints': [models.UniqueConstraint(fields=('place', 'decision', 'moderator'), name='assessment_early_reading_once'), models.CheckConstraint(condition=models.Q(('is_sound', True), models.Q(('note', ''), _negated=True), _connector='OR'), name='assessment_early_concern_says_why')],
                },
            ),
            migrations.CreateModel(
                name='EarlyVerdict',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('kind', models.CharField(choices=[('passed', 'Marking goes on'), ('changes_asked', 'Changes first')], max_length=15)),
                    ('at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('note', models.TextField(blank=True)),
                    ('check_of', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='verdicts', to='assessment.earlycheck')),
                    ('moderator', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'ordering': ['at', 'pk'],
                    'constraints': [models.CheckConstraint(condition=models.Q(('kind', 'passed'), models.Q(('note', ''), _negated=True), _connector='OR'), name='assessment_early_changes_are_named')],
                },
            ),
            migrations.CreateModel(
                name='EvidenceComment',
                fields=[
                    ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                    ('number', models.PositiveSmallIntegerField()),
                    ('made_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('author', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('pin', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='comments', to='portfolios.submissionevidence')),
                    ('submission', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='comments', to='portfolios.submission')),
                ],
                options={
                    'ordering': ['submission', 'author', 'number'],
                    'constraints': [models.UniqueConstraint(fields=('submission', 'author', 'number'), name='assessment_comment_number_once')],
                },
            ),
            migrations.CreateModel(
                name='CommentEntry',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('number', models.PositiveSmallIntegerField()),
                    ('deed', models.CharField(choices=[('written', 'Written'), ('changed', 'Changed'), ('resolved', 'Resolved'), ('reopened', 'Opened again'), ('removed', 'Removed')], max_length=10)),
                    ('body', models.TextField()),
                    ('place', models.CharField(choices=[('whole', 'The whole piece'), ('page', 'A page'), ('quote', 'Quoted words'), ('box', 'A part of a page'), ('time', 'A moment'), ('range', 'A stretch of time')], max_length=10)),
                    ('page', models.PositiveIntegerField(blank=True, null=True)),
                    ('quote', models.TextField(blank=True)),
                    ('left', models.PositiveSmallIntegerField(blank=True, null=True)),
                    ('top', models.PositiveSmallIntegerField(blank=True, null=True)),
                    ('width', models.PositiveSmallIntegerField(blank=True, null=True)),
                    ('height', models.PositiveSmallIntegerField(blank=True, null=True)),
                    ('starts_ms', models.PositiveIntegerField(blank=True, null=True)),
                    ('ends_ms', models.PositiveIntegerField(blank=True, null=True)),
                    ('audience', models.CharField(choices=[('learner', 'The learner, once results are released'), ('staff', 'Staff only')], max_length=10)),
                    ('at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('criterion', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalogue.criterion')),
                    ('comment', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='entries', to='assessment.evidencecomment')),
                ],
                options={
                    'ordering': ['comment', 'number'],
                    'constraints': [models.UniqueConstraint(fields=('comment', 'number'), name='assessment_comment_entry_once'), models.CheckConstraint(condition=models.Q(('ends_ms__isnull', True), ('ends_ms__gt', models.F('starts_ms')), _connector='OR'), name='assessment_comment_ends_after_it_starts')],
                },
            ),
            migrations.CreateModel(
                name='Exemplar',
                fields=[
                    ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                    ('rubric_hash', models.CharField(max_length=64)),
                    ('code', models.CharField(max_length=12, unique=True)),
                    ('title', models.CharField(max_length=200)),
                    ('origin', models.CharField(choices=[('released', 'Released work'), ('consented', 'Work whose learner agreed'), ('written', 'Written for the purpose')], max_length=10)),
                    ('consent', models.TextField(blank=True)),
                    ('content', models.JSONField(default=list)),
                    ('content_hash', models.CharField(max_length=64)),
                    ('outcome', models.CharField(choices=[('achieved', 'Achieved'), ('not_achieved', 'Not achieved')], max_length=15)),
                    ('rationale', models.TextField()),
                    ('for_calibration', models.BooleanField(default=False)),
                    ('made_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('retired_at', models.DateTimeField(blank=True, null=True)),
                    ('retirement_reason', models.TextField(blank=True)),
                    ('boundary', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalogue.grade')),
                    ('made_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('retired_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('source', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='exemplars', to='portfolios.submission')),
                    ('task', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='exemplars', to='catalogue.assessmenttask')),
                ],
                options={
                    'ordering': ['task', 'title', 'code'],
                    'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('origin', 'written'), ('source__isnull', True)), models.Q(models.Q(('origin', 'written'), _negated=True), ('source__isnull', False), models.Q(('origin', 'consented'), ('consent', ''), _negated=True)), _connector='OR'), name='assessment_exemplar_has_its_source'), models.CheckConstraint(condition=models.Q(('retired_at__isnull', True), models.Q(('retired_by__isnull', False), models.Q(('retirement_reason', ''), _negated=True)), _connector='OR'), name='assessment_exemplar_retired_with_reason')],
                },
            ),
        ]),
        migrations.AddField(
            model_name='calibrationitem',
            name='exemplar',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='calibration_items', to='assessment.exemplar'),
        ),
        CreateModels([
            migrations.CreateModel(
                name='ExemplarEvidence',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('number', models.PositiveSmallIntegerField()),
                    ('name', models.CharField(max_length=40)),
                    ('about', models.TextField(blank=True)),
                    ('sha256', models.CharField(max_length=64)),
                    ('exemplar', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='evidence', to='assessment.exemplar')),
                    ('item', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='portfolios.evidenceitem')),
                ],
                options={
                    'ordering': ['number'],
                    'constraints': [models.UniqueConstraint(fields=('exemplar', 'number'), name='assessment_exemplar_evidence_once')],
                },
            ),
            migrations.CreateModel(
                name='ExemplarLevel',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('rationale', models.TextField(blank=True)),
                    ('criterion', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalogue.criterion')),
                    ('exemplar', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='levels', to='assessment.exemplar')),
                    ('level', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalogue.level')),
                ],
                options={
                    'ordering': ['criterion__number'],
                    'constraints': [models.UniqueConstraint(fields=('exemplar', 'criterion'), name='assessment_exemplar_level_once')],
                },
            ),
            migrations.CreateModel(
                name='Lease',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('since', models.DateTimeField(default=django.utils.timezone.now)),
                    ('until', models.DateTimeField()),
                    ('holder', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='leases', to=settings.AUTH_USER_MODEL)),
                    ('submission', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='lease', to='portfolios.submission')),
                ],
            ),
            migrations.CreateModel(
                name='PreparedComment',
                fields=[
                    ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                    ('criterion_code', models.CharField(blank=True, max_length=40)),
                    ('level_code', models.CharField(blank=True, max_length=40)),
                    ('text', models.TextField()),
                    ('search_key', models.TextField(editable=False)),
                    ('is_shared', models.BooleanField(default=False)),
                    ('uses', models.PositiveIntegerField(default=0)),
                    ('made_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('removed_at', models.DateTimeField(blank=True, null=True)),
                    ('micro_credential', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalogue.microcredential')),
                    ('owner', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='prepared_comments', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'ordering': ['-uses', 'made_at'],
                    'indexes': [models.Index(condition=models.Q(('removed_at__isnull', True)), fields=['micro_credential', 'criterion_code'], name='assessment_prepared_kept')],
                },
            ),
            migrations.CreateModel(
                name='Allocation',
                fields=[
                    ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                    ('role', models.CharField(choices=[('assessor', 'Assessor'), ('second_assessor', 'Second assessor'), ('adjudicator', 'Adjudicator'), ('reconsideration_assessor', 'Reconsideration assessor')], default='assessor', max_length=30)),
                    ('due_at', models.DateTimeField(blank=True, null=True)),
                    ('allocated_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('ended_at', models.DateTimeField(blank=True, null=True)),
                    ('end_reason', models.CharField(blank=True, max_length=200)),
                    ('allocated_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('assessor', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='allocations', to=settings.AUTH_USER_MODEL)),
                    ('submission', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='allocations', to='portfolios.submission')),
                ],
                options={
                    'ordering': ['due_at', 'allocated_at'],
                    'constraints': [models.UniqueConstraint(condition=models.Q(('ended_at__isnull', True)), fields=('submission', 'role'), name='assessment_one_live_allocation_of_a_role'), models.UniqueConstraint(condition=models.Q(('ended_at__isnull', True)), fields=('submission', 'assessor'), name='assessment_one_live_allocation_of_a_person')],
                },
            ),
        ]),
        migrations.AddConstraint(
            model_name='calibrationitem',
            constraint=models.UniqueConstraint(fields=('attempt', 'exemplar'), name='assessment_calibration_exemplar_once'),
        ),
    ]
