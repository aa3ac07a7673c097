//! How a policy has psql start: without start-up files, with scripts that end at their first error,
//! in a session that may only read.
//!
//! Input: a call, and what is to change. Output: the call with the options and the value of
//! PGOPTIONS that say so, unchanged if it says so already; or why the change would not hold.
//! Sources: `src/bin/psql/startup.c`; libpq's `conninfo_add_defaults`, which takes `options` from
//! the connection string, then from the service file, then from PGOPTIONS;
//! `process_postgres_switches` in `src/backend/tcop/postgres.c`, where the last of two values
//! applies.

use claw_policy::{Change, ChangeDef, ChangeTakes, Rewrite};

use super::plan::{self, Start};
use super::variables;
use super::{cannot, conninfo};
use crate::call::{Call, excerpt};
use crate::language::sql;
use crate::tool::{CannotRewrite, Changed, Context};

/// The setting that makes transactions begin read-only, and its value.
const SETTING: (&str, &str) = ("default_transaction_read_only", "on");

/// A change of how psql starts.
const fn start(name: &'static str, reason: &'static str, doc: &'static str) -> ChangeDef {
    ChangeDef { name, takes: ChangeTakes::Nothing, of_call: true, reason, doc }
}

static NO_PSQLRC: ChangeDef =
    start("no_psqlrc", "no start-up file", "Adds `-X`: no start-up file is read.");
static ON_ERROR_STOP: ChangeDef = start(
    "on_error_stop",
    "stops at the first error",
    "Adds `-v ON_ERROR_STOP=1`: a script ends at its first error. Denied instead where the call or a script of it says otherwise, or may.",
);
static READ_ONLY: ChangeDef = start(
    "read_only",
    "a read-only session",
    "Adds `-c default_transaction_read_only=on` to `PGOPTIONS`: the server refuses what writes. Denied instead where a connection string or a service file gives the server its `options` in place of `PGOPTIONS`, where `PGOPTIONS` holds more than settings, or where a script connects anew.",
);

/// The changes that psql can make to its calls.
pub(super) static CHANGES: &[&ChangeDef] =
    &[&sql::LIMIT_ROWS, &NO_PSQLRC, &ON_ERROR_STOP, &READ_ONLY];

/// Makes the changes to a call that starts as `start` says.
pub(super) fn rewrite(
    context: &Context<'_>,
    start: Option<&Start>,
    rewrites: &[Rewrite],
) -> Result<Changed, CannotRewrite> {
    let call = context.call;
    let rule = |def: &'static ChangeDef| {
        let found = rewrites.iter().find(|rewrite| rewrite.change == Change::Switch(def));
        found.map(|rewrite| &*rewrite.rule)
    };
    let knows = |rewrite: &&Rewrite| {
        [&NO_PSQLRC, &ON_ERROR_STOP, &READ_ONLY].map(Change::Switch).contains(&rewrite.change)
    };
    if let Some(unknown) = rewrites.iter().find(|rewrite| !knows(rewrite)) {
        return Err(cannot(&unknown.rule, "psql knows no such change"));
    }
    let mut changed = Changed::nothing(call);
    let Some(mut start) = start else { return Ok(changed) };
    let without;
    if rule(&NO_PSQLRC).is_some() && !start.no_psqlrc {
        put(&mut changed, ["-X"]);
        // What a start-up file says counts no more where none is read.
        if start.with_startup_file {
            let argv = changed.argv.clone();
            let argv: Vec<&[u8]> = argv.iter().map(Vec::as_slice).collect();
            let call = Call { argv: &argv, ..*call };
            without = plan::plan(&context.of(&call)).start;
            let Some(planned) = &without else { return Ok(changed) };
            start = planned;
        }
    }
    if let Some(rule) = rule(&ON_ERROR_STOP)
        && stops(start, rule)?
    {
        put(&mut changed, ["-v", "ON_ERROR_STOP=1"]);
    }
    if let Some(rule) = rule(&READ_ONLY) {
        if let Some(source) = start.options_from {
            let reason = format!(
                "{source} may give the server its options in place of PGOPTIONS, so the session cannot be made read-only"
            );
            return Err(cannot(rule, reason));
        }
        if start.connects_anew {
            let reason = "a script connects anew, so its sessions cannot all be made read-only";
            return Err(cannot(rule, reason));
        }
        if let Some(options) = read_only(call).map_err(|reason| cannot(rule, reason))? {
            changed.set_env.push(("PGOPTIONS", options));
        }
    }
    Ok(changed)
}

/// Puts words first among the arguments, where nothing that follows can make them anything but
/// options.
fn put<const N: usize>(changed: &mut Changed, words: [&str; N]) {
    let at = changed.argv.len().min(1);
    changed.argv.splice(at..at, words.map(|word| word.as_bytes().to_vec()));
}

/// Whether ON_ERROR_STOP has to be set.
fn stops(start: &Start, rule: &str) -> Result<bool, CannotRewrite> {
    if start.on_error_stop == Some(false) || start.goes_on {
        return Err(cannot(
            rule,
            format!("the call sets {} itself, or may", variables::ON_ERROR_STOP),
        ));
    }
    Ok(start.on_error_stop.is_none())
}

/// The value of PGOPTIONS that makes the session read-only; none if it does already.
fn read_only(call: &Call<'_>) -> Result<Option<String>, String> {
    let options = str::from_utf8(call.var("PGOPTIONS").unwrap_or_default())
        .map_err(|_| "PGOPTIONS is not UTF-8".to_owned())?;
    let mut settings = conninfo::settings(options);
    if let Some(word) = settings.iter().find_map(|setting| setting.as_ref().err()) {
        return Err(format!("`{}` in PGOPTIONS is not a setting", excerpt(word)));
    }
    let (name, value) = SETTING;
    let mut values = settings.iter().flatten().filter(|(set, _)| set == name);
    let once = call.env.iter().filter(|entry| entry.starts_with(b"PGOPTIONS=")).count() == 1;
    if once && values.next_back().is_some_and(|(_, last)| last == value) {
        return Ok(None);
    }
    let added = format!("-c {name}={value}");
    let whole = if options.is_empty() { added } else { format!("{options} {added}") };
    settings.push(Ok((name.to_owned(), value.to_owned())));
    // A backslash at the end would take the space with it.
    if conninfo::settings(&whole) != settings {
        return Err("nothing can be added to PGOPTIONS as it is".to_owned());
    }
    Ok(Some(whole))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NoFiles, Tools};

    const ALL: &[Change] =
        &[Change::Switch(&NO_PSQLRC), Change::Switch(&ON_ERROR_STOP), Change::Switch(&READ_ONLY)];

    /// The arguments behind the name, and PGOPTIONS, after all changes; or why not.
    fn started(words: &[&str], env: &[&str]) -> Result<(String, String), String> {
        started_with(words, env, b"", ALL)
    }

    fn started_with(
        words: &[&str],
        env: &[&str],
        stdin: &[u8],
        changes: &[Change],
    ) -> Result<(String, String), String> {
        let mut argv = vec![&b"psql"[..]];
        argv.extend(words.iter().map(|word| word.as_bytes()));
        let env: Vec<&[u8]> = env.iter().map(|entry| entry.as_bytes()).collect();
        let stdin = crate::Stdin::Content(stdin);
        let call = Call { argv: &argv, env: &env, names: &[b"psql"], stdin, ..Call::default() };
        let change =
            |change: &Change| Rewrite { action: 0, change: change.clone(), rule: "r".into() };
        let rewrites: Vec<Rewrite> = changes.iter().map(change).collect();
        let once = Tools::BUILT_IN
            .read(&call, &NoFiles)
            .rewrite(&rewrites)
            .map_err(|cannot| cannot.reason)?;
        let argv: Vec<&[u8]> = once.argv.iter().map(Vec::as_slice).collect();
        let env: Vec<&[u8]> = once.env.iter().map(Vec::as_slice).collect();
        let call = Call { argv: &argv, env: &env, ..call };
        let twice = Tools::BUILT_IN.read(&call, &NoFiles).rewrite(&rewrites);
        assert_eq!(twice.as_ref(), Ok(&once), "{words:?}");
        let text = |words: &[&[u8]]| String::from_utf8(words.join(&b' ')).unwrap();
        let options = call.var("PGOPTIONS").unwrap_or(b"-");
        Ok((text(&argv[1..]), String::from_utf8(options.to_vec()).unwrap()))
    }

    #[test]
    fn what_is_missing_is_added_once() {
        const ON: &str = "-c default_transaction_read_only=on";
        for (words, env, argv, options) in [
            (&["-c", "TABLE t"][..], &[][..], "-v ON_ERROR_STOP=1 -X -c TABLE t", ON),
            (&["-tXc", "TABLE t"], &[], "-v ON_ERROR_STOP=1 -tXc TABLE t", ON),
            (&["-v", "ON_ERROR_STOP=on", "-l"], &[], "-X -v ON_ERROR_STOP=on -l", ON),
            (&["-vON_ERROR_STOP=t", "-X"], &["PGOPTIONS="], "-vON_ERROR_STOP=t -X", ON),
            (&["--help"], &[], "--help", "-"),
            (&["-V"], &[], "-V", "-"),
            (
                &["-Xl"],
                &["PGOPTIONS=-c work_mem=1MB"],
                "-v ON_ERROR_STOP=1 -Xl",
                "-c work_mem=1MB -c default_transaction_read_only=on",
            ),
            (
                &["-Xl"],
                &["PGOPTIONS=-c default_transaction_read_only=off"],
                "-v ON_ERROR_STOP=1 -Xl",
                "-c default_transaction_read_only=off -c default_transaction_read_only=on",
            ),
            (
                &["-Xl"],
                &["PGOPTIONS=--default-transaction-read-only=on"],
                "-v ON_ERROR_STOP=1 -Xl",
                "--default-transaction-read-only=on",
            ),
            (
                &["-Xl"],
                &[
                    "PGOPTIONS=-c default_transaction_read_only=on --Default_transaction_read_only=off",
                ],
                "-v ON_ERROR_STOP=1 -Xl",
                "-c default_transaction_read_only=on --Default_transaction_read_only=off -c default_transaction_read_only=on",
            ),
            // Which of two the program takes is up to the program.
            (
                &["-Xl"],
                &["PGOPTIONS=-c default_transaction_read_only=on", "PGOPTIONS=-c work_mem=1MB"],
                "-v ON_ERROR_STOP=1 -Xl",
                "-c default_transaction_read_only=on -c default_transaction_read_only=on",
            ),
            (
                &["-X", "postgres://h/d?sslmode=disable"],
                &[],
                "-v ON_ERROR_STOP=1 -X postgres://h/d?sslmode=disable",
                ON,
            ),
        ] {
            assert_eq!(started(words, env), Ok((argv.to_owned(), options.to_owned())), "{words:?}");
        }
    }

    #[test]
    fn where_it_would_not_hold_it_is_refused() {
        for (words, env, reason) in [
            (&["host=h options=''"][..], &[][..], "the connection string may give"),
            (&["postgres://h/d?options=-cwork_mem%3D1MB"], &[], "the connection string may give"),
            (&["-d", "host=h junk"], &[], "a connection string that is not read may give"),
            (&["service=s"], &[], "the service file may give"),
            (&["-l"], &["PGSERVICE=s"], "the service file may give"),
            (&["-c", "\\c other"], &[], "a script connects anew"),
            (&["-l"], &["PGOPTIONS=-d 5"], "`-d` in PGOPTIONS is not a setting"),
            (&["-l"], &["PGOPTIONS=-c"], "`-c` in PGOPTIONS is not a setting"),
            (&["-l"], &["PGOPTIONS=-- -c a=b"], "`--` in PGOPTIONS is not a setting"),
            (&["-l"], &["PGOPTIONS=-c a=b\\"], "nothing can be added"),
            (&["-v", "ON_ERROR_STOP=0"], &[], "the call sets ON_ERROR_STOP"),
            (&["-v", "ON_ERROR_STOP"], &[], "the call sets ON_ERROR_STOP"),
            (&["-c", "\\unset ON_ERROR_STOP", "-c", "TABLE t"], &[], "the call sets ON_ERROR_STOP"),
        ] {
            let refused = started(words, env).expect_err(reason);
            assert!(refused.starts_with(reason), "{words:?} {env:?}: {refused}");
        }
    }

    #[test]
    fn scripts_keep_their_word_only_where_it_is_the_same() {
        let script =
            |script: &[u8]| started_with(&["-X"], &[], script, &[Change::Switch(&ON_ERROR_STOP)]);
        let stops = Ok(("-v ON_ERROR_STOP=1 -X".to_owned(), "-".to_owned()));
        for same in ["TABLE t;", "\\set ON_ERROR_STOP on\nTABLE t;", "SELECT 1 AS x \\gset o_\n"] {
            assert_eq!(script(same.as_bytes()), stops, "{same}");
        }
        for other in [
            "\\set ON_ERROR_STOP 0\n",
            "\\set ON_ERROR_STOP on\n\\unset ON_ERROR_STOP\n",
            "SELECT 1 AS x \\gset\n",
            "SELECT 1 AS x \\gset ON_\n",
            "\\set ON_ERROR_STOP :x\n",
        ] {
            let refused = script(other.as_bytes()).unwrap_err();
            assert_eq!(refused, "the call sets ON_ERROR_STOP itself, or may", "{other}");
        }
    }
}
