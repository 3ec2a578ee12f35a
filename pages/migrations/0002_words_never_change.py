"""What a check constraint cannot say: words never change, and only honest words are public."""

from django.db import migrations

WORDS = """
CREATE FUNCTION pages_refuse_change_of_words() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    approval text[] := '{approved_by_id,approved_at,reviewed_on,review_due_on,why_hard_to_read}';
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'A revision is never deleted.'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'a_revision_is_never_deleted';
    END IF;
    IF to_jsonb(NEW) - approval IS DISTINCT FROM to_jsonb(OLD) - approval THEN
        RAISE EXCEPTION 'The words of a revision never change.'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'the_words_of_a_revision_never_change';
    END IF;
    IF OLD.approved_at IS NOT NULL AND NEW IS DISTINCT FROM OLD THEN
        RAISE EXCEPTION 'An approval is written once.'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'an_approval_is_written_once';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER the_words_of_a_revision_never_change BEFORE UPDATE OR DELETE ON pages_revision
    FOR EACH ROW EXECUTE FUNCTION pages_refuse_change_of_words();
"""

LIVE = """
CREATE FUNCTION pages_refuse_unapproved_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.live_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM pages_revision
        WHERE id = NEW.live_id AND page_id = NEW.id AND (is_starter OR approved_at IS NOT NULL)
    ) THEN
        RAISE EXCEPTION 'Only approved words of this page, or its starter words, are public.'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'only_approved_or_starter_words_are_public';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER only_approved_or_starter_words_are_public BEFORE INSERT OR UPDATE ON pages_page
    FOR EACH ROW EXECUTE FUNCTION pages_refuse_unapproved_words();
"""


class Migration(migrations.Migration):
    dependencies = [("pages", "0001_initial")]

    operations = [
        migrations.RunSQL(
            WORDS,
            "DROP TRIGGER the_words_of_a_revision_never_change ON pages_revision;"
            "DROP FUNCTION pages_refuse_change_of_words;",
        ),
        migrations.RunSQL(
            LIVE,
            "DROP TRIGGER only_approved_or_starter_words_are_public ON pages_page;"
            "DROP FUNCTION pages_refuse_unapproved_words;",
        ),
    ]
