-- Two roles for production. `clinic_owner` owns the tables and runs `manage.py migrate`; the web and
-- worker processes connect as `clinic_app`, which reads and writes records but can neither change the
-- trail nor the triggers that keep it, nor delete a request. Run as a superuser after each migration:
--     psql --dbname clinic --single-transaction --file deploy/roles.sql
-- and give each role a password of its own with \password.

DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'clinic_owner') THEN
        CREATE ROLE clinic_owner LOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'clinic_app') THEN
        CREATE ROLE clinic_app LOGIN;
    END IF;
END $$;

REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO clinic_app;
GRANT USAGE, CREATE ON SCHEMA public TO clinic_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO clinic_app;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO clinic_app;

-- No table of its own: a temporary one could be named like a real one.
DO $$ BEGIN
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC, clinic_app', current_database());
    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO clinic_owner', current_database());
END $$;

-- A migration that cannot have its lock at once gives up, and is started again: whoever waits for a lock
-- holds up everybody behind it.
ALTER ROLE clinic_owner SET lock_timeout = '3s';

-- The trail: views and what happens to accounts are added by the application, changes by triggers alone.
REVOKE ALL ON bookings_change, bookings_viewing, bookings_accountevent FROM clinic_app;
GRANT SELECT ON bookings_change TO clinic_app;
GRANT SELECT, INSERT ON bookings_viewing, bookings_accountevent TO clinic_app;
-- A request is erased, never deleted, and so is what belongs to it. What happened to it does not change.
REVOKE DELETE ON bookings_appointmentrequest, bookings_appointment, bookings_estimate, bookings_message
    FROM clinic_app;
REVOKE UPDATE, DELETE ON bookings_event FROM clinic_app;
-- Migrations are the owner's.
REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM clinic_app;
