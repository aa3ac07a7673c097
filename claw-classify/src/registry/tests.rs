//! The whole walk of this crate: names, facts, rewrites.

use super::*;
use crate::Stdin;
use crate::call::files::File;
use crate::tool::{CannotRewrite, Meant, Rewritten};
use crate::{Files, NoFiles};
use claw_policy::{Action, Change, Facts, Reading, Rewrite, Value};

fn classify(call: &Call<'_>) -> Facts {
    Tools::BUILT_IN.classify(call, &NoFiles)
}

fn rewrite(call: &Call<'_>, rewrites: &[Rewrite]) -> Result<Rewritten, CannotRewrite> {
    Tools::BUILT_IN.read(call, &NoFiles).rewrite(rewrites)
}

fn call<'a>(argv: &'a [&'a [u8]], names: &'a [&'a [u8]]) -> Call<'a> {
    Call { argv, names, path: argv.first().copied().unwrap_or_default(), ..Call::default() }
}

#[test]
fn an_ungoverned_program_has_one_action() {
    let facts = classify(&call(&[b"ls", b"-l"], &[b"ls"]));
    assert_eq!(facts.tool, None);
    assert_eq!(facts.actions.len(), 1);
    assert_eq!(facts.actions[0].domain.name(), "exec");
}

#[test]
fn empty_argv_is_classified() {
    let facts = classify(&call(&[], &[b"psql"]));
    assert_eq!(facts.tool.as_deref(), Some("psql"));
    assert!(facts.actions.len() > 1);
    assert!(classify(&call(&[], &[])).tool.is_none());
}

#[test]
fn names_of_two_tools_are_opaque_for_both() {
    let facts = classify(&call(&[b"psql", b"--version"], &[b"psql", b"kubectl"]));
    let opaque: Vec<&str> = facts
        .actions
        .iter()
        .filter(|action| action.opaque.is_some())
        .map(|action| action.domain.name())
        .collect();
    assert_eq!(opaque, ["sql", "psql", "k8s"]);
}

#[test]
fn the_schema_names_every_tool_and_domain() {
    let schema = schema();
    for tool in TOOLS {
        assert!(schema.tools.iter().any(|row| row.name == tool.name), "{}", tool.name);
        for domain in tool.domains {
            assert!(schema.domains.iter().any(|known| std::ptr::eq(*known, *domain)));
        }
    }
    assert_eq!(schema.tools.len(), TOOLS.len());
}

#[test]
fn environment_rewrites() {
    let mut asked = call(&[b"ls"], &[b"ls"]);
    asked.env = &[b"A=1", b"B=2", b"AB=3"];
    let change = |change| Rewrite { action: 0, change, rule: "r".to_owned() };
    let rewritten = rewrite(
        &asked,
        &[
            change(Change::UnsetEnv("A".to_owned())),
            change(Change::SetEnv("B".to_owned(), "9".to_owned())),
        ],
    )
    .unwrap();
    assert_eq!(rewritten.env, [b"AB=3".to_vec(), b"B=9".to_vec()]);
    assert_eq!(rewritten.argv, [b"ls".to_vec()]);
    assert_eq!(
        rewrite(&asked, &[change(Change::Limit(&sql::LIMIT_ROWS, 1))]).unwrap_err().to_string(),
        "cannot apply rule `r`: no tool is known that can make this change"
    );
}

#[test]
fn facts_of_a_statement() {
    let facts = classify(&call(&[b"psql", b"-c", b"select 1 from a.b; drop table c"], &[b"psql"]));
    assert_eq!(facts.actions.len(), 3);
    let effect = |index: usize| match facts.actions[index].fact("effect") {
        Some(Reading::Known(Value::Str(effect))) => effect.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!((effect(1), effect(2)), ("read".to_owned(), "ddl".to_owned()));
}

#[test]
fn names_lead_to_tools() {
    let meant = |names: &[&[u8]]| Tools::BUILT_IN.meant(names);
    assert!(matches!(meant(&[b"ls"]), Meant::Nothing));
    assert!(matches!(meant(&[]), Meant::Nothing));
    let names: &[&[u8]] = &[b"pg", b"psql", b"pg_wrapper"];
    assert!(matches!(meant(names), Meant::Tool(tool) if tool.name() == "psql"));
    assert!(matches!(meant(&[b"psql", b"kubectl"]), Meant::Disputed(..)));
}

#[test]
fn every_tool_goes_by_its_name_and_no_two_share_one() {
    let mut seen = std::collections::BTreeSet::new();
    for tool in TOOLS {
        assert!(tool.names.contains(&tool.name), "{}", tool.name);
        for name in tool.names {
            assert!(seen.insert(*name), "`{name}` means two tools");
        }
    }
}

/// What a reading says it did not look at makes no difference, for every call that the corpora write down.
#[test]
fn what_was_not_looked_at_makes_no_difference() {
    let mut looked = [0, 0];
    for line in crate::corpus::lines() {
        let argv = claw_corpus::split(&line);
        let argv: Vec<&[u8]> = argv.iter().map(|word| word.as_bytes()).collect();
        let Some(name) = argv.first().and_then(|path| path.rsplit(|byte| *byte == b'/').next())
        else {
            continue;
        };
        let names = [name];
        let asked = Call { env: &[b"HOME=/h"], ..call(&argv, &names) };
        let reading = Tools::BUILT_IN.read(&asked, &NoFiles);
        let stdins =
            [Stdin::Terminal, Stdin::Null, Stdin::Content(b""), Stdin::Content(b"SELECT 1")];
        for stdin in stdins {
            let other = classify(&Call { stdin, ..asked });
            let same = reading.looked_at_stdin() || other == reading.facts;
            assert!(same, "{line}: standard input");
        }
        for cwd in [&b"/"[..], b"/h", b"/etc"] {
            let other = classify(&Call { cwd: Some(cwd), ..asked });
            let same = reading.looked_at_cwd() || other == reading.facts;
            assert!(same, "{line}: working directory");
        }
        looked[0] += usize::from(reading.looked_at_stdin());
        looked[1] += usize::from(reading.looked_at_cwd());
    }
    assert!(looked.iter().all(|count| *count > 10), "{looked:?}");
}

/// One path that cannot be read, among others that are not there.
#[derive(Debug)]
struct UnreadableAt<'a>(Option<&'a [u8]>);

impl Files for UnreadableAt<'_> {
    fn file(&self, path: &[u8]) -> File<'_> {
        if self.0 == Some(path) { File::UNREADABLE } else { File::ABSENT }
    }
}

/// A file that a reading asked for and could not have never counts as one that is not there, for every call that the
/// corpora write down.
#[test]
fn what_cannot_be_read_is_not_absent() {
    let is_opaque = |action: &Action| {
        action.opaque.is_some()
            || action.facts().any(|(_, fact)| matches!(fact, Reading::Opaque(_)))
    };
    let mut tried = std::collections::BTreeSet::new();
    let more =
        ["curl http://h/", "wget http://h/", "git push", "git status", "gh pr view", "mysql -e x"];
    for line in crate::corpus::lines().into_iter().chain(more.map(str::to_owned)) {
        let argv = claw_corpus::split(&line);
        let argv: Vec<&[u8]> = argv.iter().map(|word| word.as_bytes()).collect();
        let Some(name) = argv.first().and_then(|path| path.rsplit(|byte| *byte == b'/').next())
        else {
            continue;
        };
        let names = [name];
        let asked = Call { env: &[b"HOME=/h"], uid: Some(1000), ..call(&argv, &names) };
        let absent = Tools::BUILT_IN.read(&asked, &UnreadableAt(None));
        for path in absent.asked() {
            let files = UnreadableAt(Some(&path));
            let facts = Tools::BUILT_IN.classify(&asked, &files);
            let shown = path.escape_ascii();
            assert!(
                facts != absent.facts || facts.actions.iter().any(is_opaque),
                "{line}: `{shown}` cannot be read, and that makes no difference"
            );
            tried.insert((facts.tool.clone(), path));
        }
    }
    assert!(tried.len() > 30, "{tried:?}");
}
