"""Who does what at the desk: three groups. Nobody of them deletes anything."""

from django.db import migrations

READ = [
    *(f"view_{model}" for model in ("appointmentrequest", "requestedperiod", "appointment", "event", "message")),
    *(f"view_{model}" for model in ("location", "visittype", "schedule", "openinghours", "closure")),
]
SET_UP = [
    f"{act}_{model}"
    for model in ("location", "visittype", "schedule", "openinghours", "closure")
    for act in ("add", "change")
]
GROUPS = {
    # Who sits at the desk also sees who comes through the door.
    "Front desk": [*READ, "decide_request", "mark_visit"],
    "Clinician": [*READ, "mark_visit"],
    "Manager": [
        *READ,
        *SET_UP,
        "decide_request",
        "mark_visit",
        "override_hours",
        "export_requests",
        "view_reports",
        "view_viewing",
    ],
}
PERMISSIONS = {
    "decide_request": "Can accept and decline requests",
    "mark_visit": "Can say what came of a visit",
    "override_hours": "Can book outside opening hours and notice",
    "export_requests": "Can export requests",
    "view_reports": "Can view reports",
}
NAMES = {
    "view_requestedperiod": "Can view requested period",
    "view_appointmentrequest": "Can view appointment request",
    **{f"{act}_visittype": f"Can {act} visit type" for act in ("view", "add", "change")},
    **{f"{act}_openinghours": f"Can {act} opening hours" for act in ("view", "add", "change")},
    **PERMISSIONS,
}


def create_groups(apps, schema_editor):
    """The rights exist only after all migrations otherwise; the groups need them now."""
    Group = apps.get_model("auth", "Group")
    for name, rights in GROUPS.items():
        group, _ = Group.objects.get_or_create(name=name)
        group.permissions.add(*(right(apps, codename) for codename in rights))


def right(apps, codename):
    model = "appointmentrequest" if codename in PERMISSIONS else codename.partition("_")[2]
    kind, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(
        app_label="bookings", model=model
    )
    found, _ = apps.get_model("auth", "Permission").objects.get_or_create(
        content_type=kind,
        codename=codename,
        defaults={"name": NAMES.get(codename, f"Can {codename.replace('_', ' ')}")},
    )
    return found


class Migration(migrations.Migration):
    dependencies = [
        ("bookings", "0007_trail"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    # Going back leaves the groups: people may be in them.
    operations = [
        migrations.AlterModelOptions(
            name="appointmentrequest",
            options={"ordering": ["reply_until", "pk"], "permissions": list(PERMISSIONS.items())},
        ),
        migrations.RunPython(create_groups, migrations.RunPython.noop),
    ]
