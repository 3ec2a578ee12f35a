"""The day after which a sentence of a page is no longer shown. The search never finds such a sentence."""

from django.db import migrations, models

# As in 0009, but for what stands in place of the HTML.
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
            '\s+', ' ', 'g'), '</?(a|strong|em|code)\M[^>]*>', '', 'g'), '(<[^>]+>\s*)+', E'\n', 'g')
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
WITHOUT_DATED = r"regexp_replace(html, '<section\M.*?</section>', ' ', 'g')"


class Migration(migrations.Migration):
    dependencies = [("pages", "0011_functions_have_their_own_search_path")]

    operations = [
        migrations.AddField(
            "revision",
            "expires_on",
            models.DateField(
                blank=True,
                help_text="The first day after which readers no longer see all of it.",
                null=True,
            ),
        ),
        migrations.RunSQL(ENTRY.format(html=WITHOUT_DATED), ENTRY.format(html="html")),
    ]
