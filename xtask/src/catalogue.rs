//! `cargo xtask catalogue`: the functions, operators and views of PostgreSQL's own catalogue, as claw-classify knows
//! them.
//!
//! Made from a throwaway server's `pg_proc`, `pg_type`, `pg_operator` and views, of the release that Debian 12 has; checked in
//! `cargo xtask test`, so that nobody edits it by hand. What functions do beyond their volatility is
//! `curated.tsv`, which people write.

use std::collections::{BTreeMap, BTreeSet};
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

/// Every name of an operator.
const OPERATORS: &str = "SELECT DISTINCT oprname FROM pg_operator ORDER BY 1";

const OPERATORS_HEADER: &str = "\
# The names of PostgreSQL 15's operators. Written by `cargo xtask catalogue`.
";

/// The system's views, each with its definition on one line.
const VIEWS: &str = "\
    SELECT relname || E'\\t' || regexp_replace(pg_get_viewdef(oid), '\\s+', ' ', 'g') FROM pg_class \
    WHERE relkind = 'v' AND relnamespace IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace) \
    ORDER BY 1";

const VIEWS_HEADER: &str = "\
# The views of PostgreSQL 15's pg_catalog and information_schema that call functions, with those that they and the views
# under them call. Written by `cargo xtask catalogue`.
";

/// The tables, by the names of their files.
const FILES: [&str; 3] = ["pg_proc.tsv", "operators.txt", "views.tsv"];

/// Writes the catalogue, or checks it.
pub(crate) fn catalogue(workspace: &Workspace, options: &Options) -> Result<()> {
    if options.check {
        return check(workspace);
    }
    for (path, text) in paths(workspace).iter().zip(made()?) {
        fs::write(path, text)?;
        report::step("catalogue", &format!("wrote `{}`", path.display()));
    }
    Ok(())
}

/// Fails where a file is not what the server has.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    for (path, text) in paths(workspace).iter().zip(made()?) {
        let there = fs::read_to_string(path)
            .with_context(|| format!("cannot read `{}`", path.display()))?;
        if there != text {
            bail!("`{}` is not what the server has: run `cargo xtask catalogue`", path.display());
        }
    }
    Ok(())
}

fn paths(workspace: &Workspace) -> [PathBuf; 3] {
    let folder = workspace.path("claw-classify/src/language/sql/functions");
    FILES.map(|name| folder.join(name))
}

fn made() -> Result<[String; 3]> {
    let server = Server::start()?;
    let release = server.admin("postgres", "SHOW server_version")?;
    if release.split('.').next() != Some(RELEASE) {
        bail!("the catalogue is PostgreSQL {RELEASE}'s, and the server is {}", release.trim());
    }
    let functions = server.admin("postgres", QUERY)?;
    let operators = server.admin("postgres", OPERATORS)?;
    let definitions = server.admin("postgres", VIEWS)?;
    let views = views(&functions, &definitions);
    Ok([
        format!("{HEADER}{functions}"),
        format!("{OPERATORS_HEADER}{operators}"),
        format!("{VIEWS_HEADER}{views}"),
    ])
}

/// The functions that each view calls, itself or through another one.
fn views(functions: &str, definitions: &str) -> String {
    let functions: BTreeSet<&str> =
        functions.lines().filter_map(|line| line.split('\t').next()).collect();
    let definitions: BTreeMap<&str, &str> =
        definitions.lines().filter_map(|line| line.split_once('\t')).collect();
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut table = String::new();
    for view in definitions.keys() {
        let (mut seen, mut next, mut called) = (BTreeSet::new(), vec![*view], BTreeSet::new());
        while let Some(name) = next.pop() {
            let Some(definition) = definitions.get(name).filter(|_| seen.insert(name)) else {
                continue;
            };
            for word in definition.split(|c: char| !is_word(c)).filter(|word| !word.is_empty()) {
                if functions.contains(word) && definition.contains(&format!("{word}(")) {
                    called.insert(word);
                }
                next.push(word);
            }
        }
        if !called.is_empty() {
            let called: Vec<&str> = called.into_iter().collect();
            table += &format!("{view}\t{}\n", called.join(","));
        }
    }
    table
}
