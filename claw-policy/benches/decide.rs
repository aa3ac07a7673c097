//! From facts to a verdict, with as many rules as a large policy has.

use std::hint::black_box;

use claw_policy::{Action, Domain, FactDef, Facts, Kind, Schema, ToolDef, decide, parse};
use criterion::{Criterion, criterion_group, criterion_main};

static EXEC: Domain = Domain {
    name: "exec",
    governed: true,
    sealed: true,
    doc: "a program",
    facts: &[FactDef { name: "names", kind: Kind::Set, values: &[], doc: "its names" }],
};
static SQL: Domain = Domain {
    name: "sql",
    governed: true,
    sealed: true,
    doc: "a statement",
    facts: &[
        FactDef { name: "effect", kind: Kind::Str, values: &[], doc: "what it does" },
        FactDef { name: "tables", kind: Kind::Set, values: &[], doc: "what it touches" },
    ],
};
const PSQL: ToolDef =
    ToolDef { name: "psql", programs: &["psql"], groups: &[], governed: true, changes: &[] };
static SCHEMA: Schema = Schema { domains: &[&EXEC, &SQL], tools: &[PSQL] };

fn decisions(criterion: &mut Criterion) {
    let mut text = String::from("version = 1\n");
    for number in 0..200 {
        text.push_str(&format!(
            "[[rule]]\nid = \"no-{number}\"\nverdict = \"deny\"\nreason = \"not here\"\n\
             match.sql = {{ effect = \"write\", tables = [\"t{number}.*\"] }}\n"
        ));
    }
    text.push_str("[[rule]]\nid = \"reads\"\nverdict = \"allow\"\nmatch.sql.effect = \"read\"\n");
    let policy = parse(&text, "bench.toml", &SCHEMA).expect("a right policy");
    let exec = || {
        Action::new(&EXEC, "ls").with("names", ["ls"].into_iter().collect::<claw_policy::Value>())
    };
    let read = Action::new(&SQL, "SELECT 1")
        .with("effect", "read")
        .with("tables", ["users"].into_iter().collect::<claw_policy::Value>());
    let ungoverned = Facts { actions: vec![exec()], ..Facts::default() };
    let governed =
        Facts { tool: Some("psql".into()), actions: vec![exec(), read], ..Facts::default() };
    for (what, facts) in [("an ungoverned program", ungoverned), ("one statement", governed)] {
        criterion.bench_function(&format!("201 rules, {what}"), |bench| {
            bench.iter(|| decide(black_box(&policy), black_box(&facts)));
        });
    }
}

criterion_group!(benches, decisions);
criterion_main!(benches);
