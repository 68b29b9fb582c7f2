-- Least rights at the registry's database: psql --set ON_ERROR_STOP=1 --file roles.sql DATABASE, by the owner of its tables, once
-- they are made (`radiant cases list` makes them) and again after an upgrade. Give each role to a login of your own:
--   CREATE ROLE importer LOGIN PASSWORD '...' IN ROLE radiant_jobs;
-- Several centres in one database have a schema and roles each: `radiant tenants sql TENANT` prints them (docs/tenants.md).
-- radiant_jobs: plan-import, prepare-part, commit-part, and people who register cases. import-case needs no role.
-- radiant_reader: looks at cases, for example in pages or reports.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'radiant_jobs') THEN CREATE ROLE radiant_jobs NOLOGIN; END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'radiant_reader') THEN CREATE ROLE radiant_reader NOLOGIN; END IF;
END $$;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO radiant_jobs, radiant_reader;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO radiant_jobs;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO radiant_jobs;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO radiant_reader;
