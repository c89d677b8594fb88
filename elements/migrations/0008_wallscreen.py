"""Add the screens that show the Wall without a sign-in."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("elements", "0007_history")]
    operations = [
        migrations.CreateModel(
            name="WallScreen",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, unique=True, verbose_name="Name")),
                ("token_hash", models.CharField(editable=False, max_length=64, unique=True)),
                ("created_at", models.DateTimeField(editable=False)),
                ("created_by", models.CharField(editable=False, max_length=150)),
                ("last_used_at", models.DateTimeField(editable=False, null=True)),
            ],
            options={"ordering": ("name",)},
        ),
    ]
