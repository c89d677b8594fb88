"""Make the three groups: viewers see, operators act, administrators set up."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

SEE = ["view_element", "view_instance", "view_scheduledevent", "view_debugrecord", "view_action", "view_activity"]
ACT = [*SEE, "operate_element"]
SET_UP = [*ACT, "add_element", "change_element", "delete_element"]
GROUPS = {"viewers": SEE, "operators": ACT, "administrators": SET_UP}


def make_groups(apps, schema_editor):
    """Create the groups; permissions exist only after a migrate, so they are made here first."""
    alias = schema_editor.connection.alias
    config = apps.get_app_config("elements")
    config.models_module = True
    create_permissions(config, apps=apps, verbosity=0, using=alias)
    config.models_module = None
    permissions = apps.get_model("auth", "Permission").objects.using(alias).filter(content_type__app_label="elements")
    for name, codenames in GROUPS.items():
        group, _ = apps.get_model("auth", "Group").objects.using(alias).get_or_create(name=name)
        group.permissions.add(*permissions.filter(codename__in=codenames))


class Migration(migrations.Migration):
    dependencies = [
        ("elements", "0001_tables"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(make_groups, migrations.RunPython.noop)]
