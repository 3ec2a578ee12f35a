"""Who writes and who answers for it: two groups, so that words pass through two people."""

from django.db import migrations

GROUPS = {
    "Content editor": [
        "view_page",
        "view_revision",
        "add_revision",
        "view_source",
        "add_source",
        "change_source",
        "view_feedback",
        "delete_feedback",
        *(f"{act}_synonym" for act in ("view", "add", "change", "delete")),
        *(f"{act}_redirect" for act in ("view", "add", "change", "delete")),
    ],
    "Clinical reviewer": ["view_page", "view_revision", "approve_revision", "view_source", "change_source"],
}
NAMES = {"approve_revision": "Can approve words for the public"}


def create_groups(apps, schema_editor):
    """The rights exist only after all migrations otherwise; the groups need them now."""
    Group = apps.get_model("auth", "Group")
    for name, rights in GROUPS.items():
        group, _ = Group.objects.get_or_create(name=name)
        group.permissions.add(*(right(apps, codename) for codename in rights))


def right(apps, codename):
    model = codename.partition("_")[2]
    kind, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(
        app_label="pages", model=model
    )
    found, _ = apps.get_model("auth", "Permission").objects.get_or_create(
        content_type=kind,
        codename=codename,
        defaults={"name": NAMES.get(codename, f"Can {codename.replace('_', ' ')}")},
    )
    return found


class Migration(migrations.Migration):
    dependencies = [
        ("pages", "0003_withdrawal"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    # Going back leaves the groups: people may be in them.
    operations = [migrations.RunPython(create_groups, migrations.RunPython.noop)]
