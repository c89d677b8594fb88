from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("elements", "0002_groups"),
    ]

    operations = [
        migrations.AddField(
            model_name="scheduledevent",
            name="request_error",
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name="scheduledevent",
            name="requested_at",
            field=models.DateTimeField(null=True),
        ),
    ]
