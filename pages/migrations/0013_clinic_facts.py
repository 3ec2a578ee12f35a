"""What only this practice can say of itself: written by managers, put into pages when they are read.

The search looks through a page as readers see it: with the facts that are written, and without the parts
that wait for one. Facts of the settings (pages.clinic_facts) are not in the table, and are left empty there.
"""

import django.core.validators
from django.db import migrations, models

AS_READ = r"""
CREATE FUNCTION pages_with_facts(html text) RETURNS text LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    fact record;
    field text;
    part text;
BEGIN
    FOR part IN
        SELECT box[1] FROM regexp_matches(html, '(<section data-needs="([^"]*?)">.*?</section>)', 'g') AS box
        WHERE string_to_array(box[2], ' ') <@ ARRAY(SELECT key::text FROM pages_clinicfact WHERE value = '')
    LOOP
        html := replace(html, part, ' ');
    END LOOP;
    FOR fact IN SELECT key, value FROM pages_clinicfact LOOP
        field := '<data value="' || fact.key || '"></data>';
        IF position(field IN html) = 0 THEN
            CONTINUE;
        ELSIF fact.value <> '' THEN
            html := replace(html, field,
                replace(replace(replace(fact.value, '&', '&amp;'), '<', '&lt;'), '>', '&gt;'));
        ELSE
            FOR part IN
                SELECT piece[1]
                FROM unnest(ARRAY['p', 'li', 'tr']) AS tag,
                    regexp_matches(
                        html, '(<' || tag || ' data-needs="[^"]*?"( role="row")?>.*?</' || tag || '>)', 'g'
                    ) AS piece
                WHERE position(field IN piece[1]) > 0
            LOOP
                html := replace(html, part, ' ');
            END LOOP;
        END IF;
    END LOOP;
    RETURN html;
END $$;
"""
# As in 0012_expiring_sentences; only what is read is filled in before.
ENTRY = r"""
CREATE OR REPLACE FUNCTION pages_write_search_entry(of_page bigint) RETURNS void LANGUAGE sql
    SET search_path = pg_catalog, public, pg_temp AS $$
    DELETE FROM pages_searchentry WHERE page_id = of_page;

    INSERT INTO pages_searchentry (page_id, plain, searched)
    SELECT
        page.id,
        text.plain,
        setweight(to_tsvector('english', live.title), 'A')
            || setweight(to_tsvector('english', concat_ws(' ', caption, summary, short_version)), 'B')
            || setweight(to_tsvector('english', text.plain), 'C')
    FROM pages_page AS page
    JOIN pages_revision AS live ON live.id = page.live_id
    CROSS JOIN LATERAL (VALUES (
        regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(
            {html}, '<svg\M.*?</svg>', ' ', 'g'), '<sup\M.*?</sup>', '', 'g'),
            '\s+', ' ', 'g'), '</?({inline})\M[^>]*>', '', 'g'), '(<[^>]+>\s*)+', E'\n', 'g')
    )) AS text(plain)
    WHERE page.id = of_page;

    -- In order, so that two approvals at once never wait for each other.
    INSERT INTO pages_knownword (word)
    SELECT DISTINCT (regexp_matches(
        lower(concat_ws(' ', live.title, live.caption, live.summary, live.short_version, entry.plain)),
        '[[:alpha:]]{{3,}}', 'g'
    ))[1] AS word
    FROM pages_searchentry AS entry
    JOIN pages_page AS page ON page.id = entry.page_id
    JOIN pages_revision AS live ON live.id = page.live_id
    WHERE page.id = of_page
    ORDER BY word
    ON CONFLICT DO NOTHING;
$$;
"""
WITHOUT_DATED = "regexp_replace(html, '<section data-until.*?</section>', ' ', 'g')"
NOW = ENTRY.format(html=f"pages_with_facts({WITHOUT_DATED})", inline="a|strong|em|code|data")
BEFORE = ENTRY.format(html=WITHOUT_DATED, inline="a|strong|em|code")
FOLLOWS = """
CREATE FUNCTION pages_search_follows_facts() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM pages_write_search_entry(id) FROM (
        SELECT page.id FROM pages_page AS page JOIN pages_revision AS live ON live.id = page.live_id
        WHERE position('<data value="' || NEW.key || '">' IN live.html) > 0 ORDER BY page.id
    ) AS naming;
    RETURN NULL;
END $$;

CREATE TRIGGER the_search_follows_facts AFTER INSERT OR UPDATE ON pages_clinicfact
    FOR EACH ROW EXECUTE FUNCTION pages_search_follows_facts();
CREATE TRIGGER readers_see_this AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON pages_clinicfact
    FOR EACH STATEMENT EXECUTE FUNCTION pages_raise_content_version();
"""
RIGHTS = ["view_clinicfact", "change_clinicfact"]


def let_managers_write(apps, schema_editor):
    """The rights exist only after all migrations otherwise; the group of the desk needs them now."""
    kind, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(
        app_label="pages", model="clinicfact"
    )
    group, _ = apps.get_model("auth", "Group").objects.get_or_create(name="Manager")
    for codename in RIGHTS:
        name = f"Can {codename.partition('_')[0]} fact about this practice"
        right, _ = apps.get_model("auth", "Permission").objects.get_or_create(
            content_type=kind, codename=codename, defaults={"name": name}
        )
        group.permissions.add(right)


class Migration(migrations.Migration):

    dependencies = [
        ("pages", "0012_expiring_sentences"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        migrations.CreateModel(
            name='ClinicFact',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=40, unique=True, validators=[django.core.validators.RegexValidator('^[a-z][a-z0-9]*(_[a-z0-9]+)*$', 'Write a key like legal_name.')])),
                ('question', models.CharField(max_length=120)),
                ('help', models.CharField(blank=True, max_length=400)),
                ('is_required', models.BooleanField(default=False, help_text='Needed before the site opens.', verbose_name='required')),
                ('position', models.PositiveSmallIntegerField(default=0)),
                ('value', models.TextField(blank=True, help_text='Plain text, as patients will read it. Web and email addresses become links.', max_length=2000, verbose_name='answer')),
            ],
            options={
                'verbose_name': 'fact about this practice',
                'verbose_name_plural': 'facts about this practice',
                'ordering': ['position', 'key'],
                'constraints': [models.CheckConstraint(condition=models.Q(('key__regex', '^[a-z][a-z0-9]*(_[a-z0-9]+)*$')), name='a_fact_has_a_key_of_small_letters', violation_error_message='Write a key like legal_name.')],
            },
        ),
        migrations.RunSQL(AS_READ, "DROP FUNCTION pages_with_facts;"),
        migrations.RunSQL(NOW, BEFORE),
        migrations.RunSQL(
            FOLLOWS,
            "DROP TRIGGER readers_see_this ON pages_clinicfact;"
            "DROP TRIGGER the_search_follows_facts ON pages_clinicfact;"
            "DROP FUNCTION pages_search_follows_facts;",
        ),
        migrations.RunPython(let_managers_write, migrations.RunPython.noop),
    ]
