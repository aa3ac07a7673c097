//! `cargo xtask soundness --generate N`: whatever the server calls, claw has named.
//!
//! Input: how many statements to make, and a seed. Each is a query of nested expressions: calls, attribute
//! notation, column references, operators, casts, SQL/JSON. A real server runs them, where a stand-in waits
//! behind each volatile function of the catalogue that takes one argument, behind some functions of a user's
//! own, behind operators, a domain and the names that newer servers read as syntax. A stand-in says its name.
//! Output: an error for the first statements in which a stand-in was called that `claw check` did not name.
//!
//! A kind of call that was never seen is an error too: the statements would prove nothing about it.
//!
//! Known gaps: no user's function is called as `alias.name`, which claw cannot tell from a column.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::postgres::{self, Server};
use crate::report::step;
use crate::workspace::Workspace;

/// The stand-ins. The schema `watch` is looked through before the server's own.
const STAND_INS: &str = r#"
CREATE SCHEMA watch;
DO $$
DECLARE f record;
BEGIN
    FOR f IN SELECT proname, proargtypes[0]::regtype AS argument FROM pg_catalog.pg_proc
        WHERE pronamespace = 'pg_catalog'::regnamespace AND pronargs = 1 AND provolatile = 'v'
            AND prokind = 'f' AND proargtypes[0]::regtype::text IN
                ('integer', 'bigint', 'text', 'boolean', 'regclass', 'oid', 'double precision', 'name')
    LOOP
        EXECUTE format('CREATE OR REPLACE FUNCTION watch.%I(%s) RETURNS %s VOLATILE LANGUAGE plpgsql AS
            $f$ BEGIN RAISE NOTICE ''called:%s''; RETURN $1; END $f$',
            f.proname, f.argument, f.argument, f.proname);
    END LOOP;
    FOR f IN SELECT name, argument FROM unnest(
        ARRAY['purge', 'own', 'json_scalar', 'json_serialize', 'ts_stat', 'json_array', 'coalesce']) AS name,
        unnest(ARRAY['integer', 'text', 'boolean', 'regclass']) AS argument
    LOOP
        EXECUTE format('CREATE OR REPLACE FUNCTION watch.%I(%s) RETURNS %s VOLATILE LANGUAGE plpgsql AS
            $f$ BEGIN RAISE NOTICE ''called:%s''; RETURN $1; END $f$',
            f.name, f.argument, f.argument, f.name);
    END LOOP;
    FOR f IN SELECT name FROM unnest(ARRAY['json_value', 'json_query', 'json_exists', 'json_array']) AS name
    LOOP
        EXECUTE format('CREATE OR REPLACE FUNCTION watch.%I(integer, text) RETURNS integer VOLATILE LANGUAGE plpgsql AS
            $f$ BEGIN RAISE NOTICE ''called:%s''; RETURN $1; END $f$', f.name, f.name);
    END LOOP;
END $$;
CREATE FUNCTION watch.merge_action() RETURNS integer VOLATILE LANGUAGE plpgsql AS
    $$ BEGIN RAISE NOTICE 'called:merge_action'; RETURN 1; END $$;
CREATE FUNCTION watch.behind_sign(integer, integer) RETURNS integer VOLATILE LANGUAGE plpgsql AS
    $$ BEGIN RAISE NOTICE 'called:<%%>'; RETURN $1; END $$;
CREATE FUNCTION watch.behind_plus(integer, integer) RETURNS integer VOLATILE LANGUAGE plpgsql AS
    $$ BEGIN RAISE NOTICE 'called:watch.+'; RETURN $1; END $$;
CREATE OPERATOR watch.<%> (LEFTARG = integer, RIGHTARG = integer, FUNCTION = watch.behind_sign);
CREATE OPERATOR watch.+ (LEFTARG = integer, RIGHTARG = integer, FUNCTION = watch.behind_plus);
CREATE FUNCTION watch.behind_domain(integer) RETURNS boolean VOLATILE LANGUAGE plpgsql AS
    $$ BEGIN RAISE NOTICE 'called:small'; RETURN true; END $$;
CREATE DOMAIN watch.small AS integer CHECK (watch.behind_domain(VALUE));
"#;

/// Functions of one argument, by its type, that stand where a call is made.
const WATCHED: [(&str, &[&str]); 4] = [
    ("integer", &["pg_cancel_backend", "pg_terminate_backend", "pg_log_backend_memory_contexts"]),
    (
        "text",
        &[
            "pg_read_file",
            "pg_ls_dir",
            "pg_create_restore_point",
            "pg_stat_reset_shared",
            "ts_stat",
        ],
    ),
    ("boolean", OWN),
    ("regclass", &["nextval"]),
];
/// Functions of a user, for each of the types.
const OWN: &[&str] = &["purge", "own"];

/// The generator: a seed and splitmix64.
struct Maker {
    state: u64,
}

impl Maker {
    fn below(&mut self, bound: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % (bound.max(1) as u64)).unwrap_or(0)
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    fn kind(&mut self) -> &'static str {
        WATCHED[self.below(WATCHED.len())].0
    }

    fn watched(&mut self, kind: &str) -> &'static str {
        let names =
            WATCHED.iter().find(|(known, _)| *known == kind).map_or(OWN, |(_, names)| names);
        self.one(names)
    }

    fn literal(&mut self, kind: &str) -> String {
        match kind {
            "integer" => self.below(9).to_string(),
            "text" => "'x'::text".to_owned(),
            "boolean" => self.one(&["true", "false"]).to_owned(),
            _ => "'sq'::regclass".to_owned(),
        }
    }

    /// An expression of a type.
    fn expression(&mut self, kind: &str, depth: usize) -> String {
        if depth == 0 {
            return self.literal(kind);
        }
        let inner = self.expression(kind, depth - 1);
        match self.below(13) {
            0 => self.literal(kind),
            1 => format!("({inner}).{}", self.watched(kind)),
            2 => format!("({inner}).{}", self.one(OWN)),
            // A user's own function would read like a column here.
            3 if kind != "boolean" => {
                let name = self.watched(kind);
                format!(
                    "(select s.{name} from (select {inner}) q(v), lateral cast(v as {kind}) s limit 1)"
                )
            }
            4 => format!("{}({inner})", self.watched(kind)),
            5 => format!("{}({inner})", self.one(OWN)),
            6 => {
                let test = self.expression("boolean", depth - 1);
                let other = self.literal(kind);
                format!("case when {test} then {inner} else {other} end")
            }
            7 => format!("(array[{inner}])[1]"),
            8 => format!("coalesce({inner}, {})", self.literal(kind)),
            9 => format!("\"coalesce\"({inner})"),
            10 if kind == "boolean" => {
                let left = self.expression("integer", depth - 1);
                format!("({left} {} 3)", self.one(&["<", "=", ">=", "operator(pg_catalog.<)"]))
            }
            11 if kind == "boolean" => format!("not ({inner} and true)"),
            10..=12 if kind == "integer" => self.of_integers(&inner),
            _ => format!("(select x from (values ({inner})) t(x))"),
        }
    }

    fn of_integers(&mut self, inner: &str) -> String {
        match self.below(11) {
            0 => format!("({inner} <%> 1)"),
            1 => format!("({inner} operator(watch.+) 1)"),
            2 => format!("({inner} operator(pg_catalog.+) 1)"),
            3 => format!("({inner})::watch.small"),
            4 => format!("cast({inner} as small)"),
            5 => format!("json_value({inner}, 'x')"),
            6 => format!("json_query({inner}, 'x')"),
            7 => format!("json_scalar({inner})"),
            8 => format!("json_array({inner})"),
            9 => "merge_action()".to_owned(),
            _ => format!("{}({inner}, 'x')", self.one(&["json_exists", "json_array"])),
        }
    }

    fn statement(&mut self) -> String {
        let kind = self.kind();
        let depth = 1 + self.below(3);
        let expression = self.expression(kind, depth);
        match self.below(5) {
            0 => format!("select 1 from (select {expression} as x) t where x is not null"),
            1 => format!("select x from (values ({expression})) t(x) order by x::text limit 3"),
            2 => format!("with c as (select {expression} as x) select c.x from c"),
            3 => format!("values ({expression})"),
            _ => format!("select {expression}"),
        }
    }
}

/// Makes, runs and compares `count` statements.
pub(crate) fn generated(workspace: &Workspace, count: usize, seed: u64) -> Result<()> {
    let mut maker = Maker { state: seed };
    let statements: BTreeSet<String> = (0..count).map(|_| maker.statement()).collect();
    let statements: Vec<String> = statements.into_iter().collect();
    let called = run(&statements)?;
    let named = named(workspace, &statements)?;
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut missed = Vec::new();
    for ((statement, called), named) in statements.iter().zip(&called).zip(&named) {
        for name in called {
            *seen.entry(name).or_default() += 1;
            let Some(named) = named else { continue };
            if !named.iter().any(|known| known.rsplit('.').next() == name.rsplit('.').next()) {
                missed.push(format!("`{name}` in: {statement}"));
            }
        }
    }
    let calls: usize = seen.values().sum();
    step(
        "generated",
        &format!(
            "{} statements, {calls} calls of {} stand-ins: {seen:?}",
            statements.len(),
            seen.len()
        ),
    );
    let kinds =
        ["nextval", "pg_read_file", "purge", "coalesce", "<%>", "watch.+", "small", "json_value"];
    if let Some(kind) = kinds.iter().find(|kind| !seen.contains_key(**kind)) {
        bail!("no statement called `{kind}`: the statements show nothing about it");
    }
    if !missed.is_empty() {
        let shown: Vec<&str> = missed.iter().take(10).map(String::as_str).collect();
        bail!("claw did not name {} calls, such as\n{}", missed.len(), shown.join("\n"));
    }
    Ok(())
}

/// The stand-ins that each statement calls.
fn run(statements: &[String]) -> Result<Vec<BTreeSet<String>>> {
    let server = Server::start()?;
    server.admin("postgres", STAND_INS)?;
    server.admin("postgres", "CREATE SEQUENCE public.sq")?;
    let folder = tempfile::Builder::new().prefix("claw-generated-").tempdir()?;
    let mut script = "set search_path = watch, pg_catalog, public;\n".to_owned();
    for (number, statement) in statements.iter().enumerate() {
        writeln!(script, "\\warn statement {number}\n{statement};")?;
    }
    let (text, said) = (folder.path().join("script.sql"), folder.path().join("said"));
    fs::write(&text, script)?;
    let mut psql = Command::new(postgres::program("psql")?);
    psql.envs(server.admin_environment("postgres")).env("PGHOST", "127.0.0.1");
    psql.args(["-X", "-q", "-f"]).arg(&text);
    psql.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&said)?);
    let status = psql.status().context("cannot start `psql`")?;
    if !status.success() {
        bail!("psql did not run the statements: {status}");
    }
    let mut called = vec![BTreeSet::new(); statements.len()];
    let mut current = None;
    for line in fs::read_to_string(&said)?.lines() {
        if let Some(number) = line.strip_prefix("statement ") {
            current = number.parse::<usize>().ok();
        } else if let (Some((_, name)), Some(number)) = (line.split_once("called:"), current) {
            called[number].insert(name.trim().to_owned());
        }
    }
    Ok(called)
}

/// The functions that claw names of each statement; none where the statement is opaque.
fn named(workspace: &Workspace, statements: &[String]) -> Result<Vec<Option<BTreeSet<String>>>> {
    let folder = tempfile::Builder::new().prefix("claw-generated-").tempdir()?;
    let (cases, answers) = (folder.path().join("cases"), folder.path().join("answers"));
    let mut lines = String::new();
    for (id, statement) in statements.iter().enumerate() {
        let case = json!({"id": id.to_string(), "argv": ["psql", "-X", "-c", statement]});
        writeln!(lines, "{case}")?;
    }
    fs::write(&cases, lines)?;
    let mut claw = workspace.command(workspace.claw());
    claw.args(["check", "--policy"]).arg(workspace.path("policies/production-readonly.toml"));
    claw.args(["--json", "--cases"]).arg(&cases).stdout(File::create(&answers)?);
    let status = claw.status().context("cannot start `claw`")?;
    if !status.success() {
        bail!("`claw check` could not judge every statement: {status}");
    }
    let mut named = vec![Some(BTreeSet::new()); statements.len()];
    for line in fs::read_to_string(&answers)?.lines() {
        let answer: Value = serde_json::from_str(line)?;
        let id = answer["id"].as_str().and_then(|id| id.parse::<usize>().ok());
        let slot = id.and_then(|id| named.get_mut(id)).context("an answer without a case")?;
        *slot = names(&answer["facts"]["actions"]);
    }
    Ok(named)
}

fn names(actions: &Value) -> Option<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for action in actions.as_array().into_iter().flatten().filter(|it| it["domain"] == "sql") {
        if !action["opaque"].is_null() {
            return None;
        }
        let functions = action["functions"].as_array().into_iter().flatten();
        names.extend(functions.filter_map(Value::as_str).map(str::to_owned));
    }
    Some(names)
}
