//! What a policy may declare of a tool, and the diagnostics for mistakes.

use super::super::tests::{mistake, parse};
use crate::grammar::{Arguments, Count, Takes};
use crate::schema::{DomainRef, Kind};

const DEPLOYCTL: &str = r#"version = 1
[tool.deployctl]
names = ["deployctl", "dctl"]
exit_status = 2
loads_env = ["PYTHONPATH"]
abbreviations = true
[tool.deployctl.options]
"-e, --env" = ["dev", "prod"]
"-v, --verbose" = "nothing"
"--dry-run" = "nothing"
"-chdir" = "value"
[tool.deployctl.commands.rollback]
aliases = ["rb", "roll back"]
options = { "--to" = "number", "-l,--label" = "values", "--color" = "perhaps" }
arguments = ["service", "version?", "more..."]
[tool.deployctl.commands."db migrate"]
[[rule]]
id = "r"
tools = ["deployctl"]
verdict = "deny"
reason = "no"
match.deployctl = { command = ["rollback", "db *"], env = "prod", label = { only = ["a"] }, to = { above = 3 } }
[pins]
deployctl = ["2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"]
"#;

#[test]
fn a_declaration_is_read() {
    let policy = parse(DEPLOYCTL).expect("right");
    let [tool] = policy.declared() else { panic!("one tool") };
    assert_eq!((&*tool.name, tool.exit_status), ("deployctl", 2));
    assert!(tool.goes_by(b"dctl") && !tool.goes_by(b"deploy"));
    assert!(tool.abbreviations && !tool.options_first);
    assert_eq!(tool.loads_env, ["PYTHONPATH"]);
    let [dry_run, chdir, env, verbose] = &tool.options[..] else { panic!("{:?}", tool.options) };
    assert_eq!((&*chdir.fact, &chdir.takes), ("chdir", &Takes::Value));
    assert_eq!((&*dry_run.fact, &dry_run.takes), ("dry_run", &Takes::Nothing));
    assert_eq!(env.takes, Takes::Choice(vec!["dev".to_owned(), "prod".to_owned()]));
    assert_eq!(verbose.names, ["-v", "--verbose"]);
    let [migrate, rollback] = &tool.commands[..] else { panic!("{:?}", tool.commands) };
    assert!(migrate.goes_by("db migrate") && rollback.goes_by("roll back"));
    assert!(matches!(migrate.arguments, Arguments::Any));
    let Arguments::Named(named) = &rollback.arguments else { panic!("named") };
    let counts: Vec<(&str, Count)> = named.iter().map(|one| (&*one.fact, one.count)).collect();
    assert_eq!(
        counts,
        [("service", Count::One), ("version", Count::Perhaps), ("more", Count::Rest)]
    );
    let kinds =
        [("env", Kind::Str), ("force", Kind::Bool), ("to", Kind::Int), ("label", Kind::Set)];
    let domain = DomainRef::from(&tool.domain);
    for (name, kind) in kinds {
        assert_eq!(domain.kind(name), (name != "force").then_some(kind));
    }
    assert_eq!(domain.fact("env").expect("there").values(), ["dev", "prod"]);
    assert!(policy.pins("deployctl").is_some());
}

fn tool_mistake(lines: &str) -> String {
    mistake(&format!("[tool.x]\n{lines}"))
}

#[test]
fn rules_about_it_are_checked_like_all_others() {
    let declared = "[tool.x]\noptions = { \"--env\" = [\"dev\", \"prod\"] }\ncommands.up = {}\n";
    let rule = |asked: &str| {
        mistake(&format!(
            "{declared}[[rule]]\nid = \"r\"\nverdict = \"deny\"\nreason = \"no\"\n{asked}"
        ))
    };
    assert_eq!(rule("match.x.«enw» = \"prod\""), "there is no fact `x.enw` | did you mean `env`?");
    assert_eq!(rule("match.x.env = «\"prd\"»"), "`x.env` is never `prd` | did you mean `prod`?");
    assert_eq!(rule("match.x.command = «\"u\"»"), "`x.command` is never `u` | it is `up`");
    assert_eq!(
        rule("tools = [«\"y\"»]"),
        "`y` is not a tool that claw governs | expected `psql`, `mysql`, `kubectl`, `rm` or `x`"
    );
}

#[test]
fn names_are_new() {
    let known = "`psql` is a tool that claw reads itself";
    assert_eq!(
        mistake("[tool.«psql»]"),
        format!("{known} | remove the table, and ask for the facts that claw gives of it")
    );
    assert_eq!(
        mistake("[tool.«sql»]"),
        "`sql` is the name of a domain of facts | give the table another name, and the program's own under `names`"
    );
    assert_eq!(tool_mistake("names = [\"y\", «\"psql\"»]"), known);
    assert_eq!(
        tool_mistake("names = [«\"kubecolor\"»]"),
        "`kubecolor` is a tool that claw reads itself"
    );
    assert_eq!(mistake("[tool.a]\nnames = [\"b\"]\n[tool.«b»]"), "`b` is also a name of `tool.a`");
    assert!(tool_mistake("names = «[]»").starts_with("`names` is an empty list"));
    assert!(tool_mistake("names = [«\"/usr/bin/x\"»]").starts_with("`/usr/bin/x` is no program"));
    assert!(mistake("[tool.«\"a b\"»]").starts_with("`a b` cannot name a tool"));
}

#[test]
fn options_are_written_as_on_the_command_line() {
    assert_eq!(
        tool_mistake("options = { «env» = \"value\" }"),
        "`env` is no option | write its names with their dashes, as in `\"-e, --env\" = \"value\"`"
    );
    assert_eq!(
        tool_mistake("options = { \"--env,-e\" = \"value\", «\"-e\"» = \"value\" }"),
        "`-e` is an option already"
    );
    assert_eq!(
        tool_mistake(
            "options = { \"-e\" = \"value\" }\n[tool.x.commands.up]\noptions = { «\"-e\"» = \"value\" }"
        ),
        "`-e` is an option already"
    );
    assert_eq!(
        tool_mistake("options = { \"-e\" = «\"vlue\"» }"),
        "`vlue` is not a value of what `-e` takes | did you mean `value`?"
    );
    assert!(tool_mistake("options = { \"-e\" = «true» }").starts_with("what `-e` takes is a word"));
    assert!(
        tool_mistake("options = { «\"--options\"» = \"value\" }").starts_with("the fact `options`")
    );
    assert!(
        tool_mistake("options = { «\"--a.b\"» = \"value\" }")
            .starts_with("`a.b` cannot name a fact")
    );
}

#[test]
fn one_fact_has_one_type() {
    assert_eq!(
        tool_mistake(
            "[tool.x.commands]\na = { options = { \"--to\" = \"value\" } }\nb = { options = { «\"--to\"» = \"number\" } }"
        ),
        "`to` is a fact of another type already | what has one name must be of one kind in every command"
    );
}

#[test]
fn commands_and_arguments_can_be_told_apart() {
    assert!(tool_mistake("arguments = [\"a?\", «\"b\"»]").starts_with("which word this is"));
    assert!(tool_mistake("arguments = [\"a...\", «\"b?\"»]").starts_with("which word this is"));
    assert!(tool_mistake("commands = «{}»").starts_with("`commands` names no command"));
    assert!(tool_mistake("commands.«\"a  b\"» = {}").starts_with("`a  b` names no command"));
    assert_eq!(
        tool_mistake("commands.a = {}\ncommands.b = { aliases = [«\"a\"»] }"),
        "`a` is the command `a` already"
    );
    assert_eq!(
        tool_mistake("arguments = «[\"a\"]»\ncommands.a = {}"),
        "a tool with commands has its arguments there | move `arguments` to the commands that take them"
    );
    assert!(tool_mistake("exit_status = «0»").starts_with("an exit status of failure"));
    assert_eq!(
        tool_mistake("«optoins» = {}"),
        "`optoins` is not a key of `tool.x` | did you mean `options`?"
    );
}
