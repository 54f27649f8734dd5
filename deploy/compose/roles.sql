-- Roles and databases, made once when PostgreSQL's volume is new; for a server of your own, run it with psql as its administrator.
-- The owner migrates, the application reads and writes rows (R43), and Temporal has databases of its own. Nobody else may connect. The
-- passwords come from the environment of psql; without one of them nothing is made.

\set ON_ERROR_STOP on
\getenv owner_password DB_OWNER_PASSWORD
\getenv app_password DB_APP_PASSWORD
\getenv temporal_password DB_TEMPORAL_PASSWORD

CREATE ROLE postroom_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'owner_password';
CREATE ROLE postroom_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'app_password';
CREATE ROLE temporal LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'temporal_password';

CREATE DATABASE postroom OWNER postroom_owner TEMPLATE template0 ENCODING 'UTF8';
CREATE DATABASE temporal OWNER temporal TEMPLATE template0 ENCODING 'UTF8';
CREATE DATABASE temporal_visibility OWNER temporal TEMPLATE template0 ENCODING 'UTF8';

REVOKE ALL ON DATABASE postroom, temporal, temporal_visibility FROM PUBLIC;
GRANT CONNECT ON DATABASE postroom TO postroom_app;

\connect postroom
ALTER SCHEMA public OWNER TO postroom_owner;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;

\connect temporal
ALTER SCHEMA public OWNER TO temporal;

\connect temporal_visibility
ALTER SCHEMA public OWNER TO temporal;
