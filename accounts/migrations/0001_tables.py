"""Every table as it stood before the first release."""

import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
import uuid
from django.conf import settings
from django.db import migrations, models

from accounts.migrations._together import CreateModels


class Migration(migrations.Migration):

    replaces = [('accounts', '0001_initial'), ('accounts', '0002_verifier_conflict'), ('accounts', '0003_mail_language'), ('accounts', '0004_keyboard_map')]

    initial = True

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
    ]

    operations = [
        CreateModels([
            migrations.CreateModel(
                name='Organisation',
                fields=[
                    ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                    ('code', models.SlugField(unique=True)),
                    ('name', models.CharField(max_length=200)),
                    ('kind', models.CharField(choices=[('provider', 'Provider'), ('client', 'Client organisation')], max_length=10)),
                    ('email_domain', models.CharField(blank=True, max_length=200)),
                ],
                options={
                    'ordering': ['name'],
                },
            ),
            migrations.CreateModel(
                name='User',
                fields=[
                    ('password', models.CharField(max_length=128, verbose_name='password')),
                    ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                    ('is_superuser', models.BooleanField(default=False, help_text='Designates that this user has all permissions without explicitly assigning them.', verbose_name='superuser status')),
                    ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                    ('email', models.EmailField(max_length=254, unique=True)),
                    ('name', models.CharField(max_length=200)),
                    ('preferred_name', models.CharField(blank=True, max_length=100)),
                    ('search_key', models.CharField(db_index=True, editable=False, max_length=300)),
                    ('time_zone', models.CharField(default='Pacific/Auckland', max_length=64)),
                    ('theme', models.CharField(choices=[('device', 'Match my device'), ('light', 'Light'), ('dark', 'Dark')], default='device', max_length=10)),
                    ('mail_language', models.CharField(choices=[('site', 'As Moderato usually writes'), ('en', 'English only'), ('en_mi', 'English, with greeting and terms in te reo Māori'), ('mi_en', 'Greeting and terms in te reo Māori first, then English')], db_default='site', default='site', max_length=5)),
                    ('shortcuts', models.JSONField(blank=True, editable=False, null=True)),
                    ('reo_capable', models.BooleanField(default=False)),
                    ('is_active', models.BooleanField(default=True)),
                    ('is_staff', models.BooleanField(default=False)),
                    ('joined_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('groups', models.ManyToManyField(blank=True, help_text='The groups this user belongs to. A user will get all permissions granted to each of their groups.', related_name='user_set', related_query_name='user', to='auth.group', verbose_name='groups')),
                    ('user_permissions', models.ManyToManyField(blank=True, help_text='Specific permissions for this user.', related_name='user_set', related_query_name='user', to='auth.permission', verbose_name='user permissions')),
                ],
                options={
                    'ordering': ['search_key'],
                    'constraints': [models.UniqueConstraint(django.db.models.functions.text.Lower('email'), name='accounts_user_email_once')],
                },
            ),
            migrations.CreateModel(
                name='DeclaredConflict',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('kind', models.CharField(choices=[('employer', 'Works for the same employer'), ('line_manager', 'Line manager'), ('team', 'Same team'), ('whanau', 'Whānau or close relation'), ('verifier', 'Confirmed their work')], max_length=20)),
                    ('declared_at', models.DateTimeField(default=django.utils.timezone.now)),
                    ('declared_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('other', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='conflicts_named_in', to=settings.AUTH_USER_MODEL)),
                    ('person', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='conflicts_declared', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('person', 'other', 'kind'), name='accounts_conflict_declared_once'), models.CheckConstraint(condition=models.Q(('person', models.F('other')), _negated=True), name='accounts_conflict_of_two')],
                },
            ),
            migrations.CreateModel(
                name='Membership',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('role', models.CharField(choices=[('administrator', 'Programme administrator'), ('author', 'Author'), ('pre_moderator', 'Pre-assessment moderator'), ('employee', 'Employee')], max_length=20)),
                    ('since', models.DateTimeField(default=django.utils.timezone.now)),
                    ('ended_at', models.DateTimeField(blank=True, null=True)),
                    ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='memberships', to=settings.AUTH_USER_MODEL)),
                    ('organisation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='memberships', to='accounts.organisation')),
                ],
                options={
                    'constraints': [models.UniqueConstraint(condition=models.Q(('ended_at__isnull', True)), fields=('user', 'organisation', 'role'), name='accounts_membership_once_while_live')],
                },
            ),
        ]),
    ]
