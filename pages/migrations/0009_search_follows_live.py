"""What the search looks through is written by Postgres, so that no way of changing `live` can forget it."""

from django.db import migrations

# In `plain`, drawings and the numbers of sources go with what is in them, other tags alone; each
# paragraph, heading and cell has a line of its own.
ENTRY = r"""
CREATE FUNCTION pages_write_search_entry(of_page bigint) RETURNS void LANGUAGE sql AS $$
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
            html, '<svg\M.*?</svg>', ' ', 'g'), '<sup\M.*?</sup>', '', 'g'),
            '\s+', ' ', 'g'), '</?(a|strong|em|code)\M[^>]*>', '', 'g'), '(<[^>]+>\s*)+', E'\n', 'g')
    )) AS text(plain)
    WHERE page.id = of_page;

    -- In order, so that two approvals at once never wait for each other.
    INSERT INTO pages_knownword (word)
    SELECT DISTINCT (regexp_matches(
        lower(concat_ws(' ', live.title, live.caption, live.summary, live.short_version, entry.plain)),
        '[[:alpha:]]{3,}', 'g'
    ))[1] AS word
    FROM pages_searchentry AS entry
    JOIN pages_page AS page ON page.id = entry.page_id
    JOIN pages_revision AS live ON live.id = page.live_id
    WHERE page.id = of_page
    ORDER BY word
    ON CONFLICT DO NOTHING;
$$;
"""

FOLLOWS = """
CREATE FUNCTION pages_search_follows_live() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' OR NEW.live_id IS DISTINCT FROM OLD.live_id THEN
        PERFORM pages_write_search_entry(NEW.id);
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER the_search_follows_what_is_live AFTER INSERT OR UPDATE OF live_id ON pages_page
    FOR EACH ROW EXECUTE FUNCTION pages_search_follows_live();
"""


class Migration(migrations.Migration):
    dependencies = [("pages", "0008_search_entries")]

    operations = [
        migrations.RunSQL(ENTRY, "DROP FUNCTION pages_write_search_entry;"),
        migrations.RunSQL(
            FOLLOWS,
            "DROP TRIGGER the_search_follows_what_is_live ON pages_page;"
            "DROP FUNCTION pages_search_follows_live;",
        ),
        migrations.RunSQL(
            "SELECT pages_write_search_entry(id) FROM pages_page WHERE live_id IS NOT NULL ORDER BY id;",
            migrations.RunSQL.noop,
        ),
    ]
