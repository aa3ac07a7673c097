//! `cargo xtask catalogue`: the functions of PostgreSQL's own catalogue, as claw-classify knows them.
//!
//! Made from a throwaway server's `pg_proc` and `pg_type`, of the release that Debian 12 has; checked in
//! `cargo xtask test`, so that nobody edits it by hand. What functions do beyond their volatility is
//! `curated.tsv`, which people write.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::postgres::Server;
use crate::report;
use crate::workspace::Workspace;

/// The release whose catalogue it is.
const RELEASE: &str = "15";

const HEADER: &str = "\
# The functions of PostgreSQL 15's pg_catalog: name, worst volatility of its overloads, whether any
# overload returns a set. The name of a type is a function too, `regclass('t')`: a cast. Written by
# `cargo xtask catalogue`; edit curated.tsv instead of this file.
";

/// A type's name is called as a function where no function has it (`func_get_detail` in
/// `src/backend/parser/parse_func.c`): the conversion from text, which only reads. Array types, whose names
/// begin with an underscore, and pseudo-types are no names to call.
const QUERY: &str = "\
    SELECT proname || E'\\t' || (ARRAY['immutable', 'stable', 'volatile'])[max( \
        CASE provolatile WHEN 'v' THEN 3 WHEN 's' THEN 2 ELSE 1 END)] \
        || E'\\t' || CASE WHEN bool_or(proretset) THEN 'set' ELSE '-' END \
    FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace GROUP BY proname \
    UNION ALL \
    SELECT typname || E'\\tstable\\t-' FROM pg_type \
    WHERE typnamespace = 'pg_catalog'::regnamespace AND typtype IN ('b', 'r', 'm') AND typelem = 0 \
        AND NOT EXISTS (SELECT FROM pg_proc WHERE proname = typname \
            AND pronamespace = 'pg_catalog'::regnamespace) \
    ORDER BY 1";

/// What to do.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Only say whether it is what the server has, and fail if it is not
    #[arg(long)]
    check: bool,
}

/// Writes the catalogue, or checks it.
pub(crate) fn catalogue(workspace: &Workspace, options: &Options) -> Result<()> {
    if options.check {
        return check(workspace);
    }
    fs::write(path(workspace), made()?)?;
    report::step("catalogue", &format!("wrote `{}`", path(workspace).display()));
    Ok(())
}

/// Fails where the file is not what the server has.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let path = path(workspace);
    let there =
        fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
    if there != made()? {
        bail!("`{}` is not what the server has: run `cargo xtask catalogue`", path.display());
    }
    Ok(())
}

fn path(workspace: &Workspace) -> PathBuf {
    workspace.path("claw-classify/src/language/sql/functions/pg_proc.tsv")
}

fn made() -> Result<String> {
    let server = Server::start()?;
    let release = server.admin("postgres", "SHOW server_version")?;
    if release.split('.').next() != Some(RELEASE) {
        bail!("the catalogue is PostgreSQL {RELEASE}'s, and the server is {}", release.trim());
    }
    Ok(format!("{HEADER}{}", server.admin("postgres", QUERY)?))
}
