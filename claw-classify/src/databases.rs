//! Clients of databases.

pub(crate) mod clickhouse;
pub(crate) mod client;
pub(crate) mod mongo;
pub(crate) mod mysql;
pub(crate) mod pg_tools;
pub(crate) mod psql;
pub(crate) mod redis;
pub(crate) mod sqlite3;
