#!/bin/sh
# What a new PostgreSQL needs before the first migration: two roles and the database. Runs once, by itself.
set -eu
psql --username postgres --set=ON_ERROR_STOP=1 --set=owner="$OWNER_PASSWORD" --set=app="$APP_PASSWORD" <<'SQL'
CREATE ROLE clinic_owner LOGIN PASSWORD :'owner';
CREATE ROLE clinic_app LOGIN PASSWORD :'app';
CREATE DATABASE clinic OWNER clinic_owner;
SQL
