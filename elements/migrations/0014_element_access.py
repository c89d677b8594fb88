"""Add which groups see an element (none: everybody, as before) and who made a screen of the Wall."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def find_makers(apps, schema_editor):
    """Name the maker of each screen; one whose maker is gone shows nothing from now on."""
    alias = schema_editor.connection.alias
    users = apps.get_model(settings.AUTH_USER_MODEL).objects.using(alias)
    for screen in apps.get_model("elements", "WallScreen").objects.using(alias):
        screen.maker = users.filter(username=screen.created_by).first()
        screen.save(update_fields=["maker"])


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("elements", "0013_traces_and_totals"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.AddField("activity", "is_sealed", models.BooleanField(db_default=False, default=False)),
        migrations.CreateModel(
            name="ElementAccess",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "element",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="access", to="elements.element"
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="element_access", to="auth.group"
                    ),
                ),
            ],
            options={
                "verbose_name": "access of a group",
                "verbose_name_plural": "access of groups",
                "constraints": [models.UniqueConstraint(fields=("element", "group"), name="a_group_is_named_once")],
            },
        ),
        migrations.AddField(
            "element",
            "groups",
            models.ManyToManyField(
                blank=True, related_name="elements", through="elements.ElementAccess", to="auth.group"
            ),
        ),
        migrations.AddField(
            "wallscreen",
            "maker",
            models.ForeignKey(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="wall_screens",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.RunPython(find_makers, migrations.RunPython.noop),
    ]
