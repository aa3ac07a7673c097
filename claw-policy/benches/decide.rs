//! From facts to a verdict, with as many rules as a large policy has.

use std::hint::black_box;

use claw_policy::{Action, Facts, Schema, Set, ToolDef, decide, domain, parse};
use criterion::{Criterion, criterion_group, criterion_main};

domain! {
    /// A program.
    static EXEC: Exec = "exec", governed: true, sealed: true;

    /// Its names.
    NAMES: Set = "names";
}
domain! {
    /// A statement.
    static SQL: Sql = "sql", governed: true, sealed: true;

    /// What it does.
    EFFECT: String = "effect";
    /// What it touches.
    TABLES: Set = "tables";
}
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
    let exec = || Action::new(&EXEC, "ls").with(Exec::NAMES, ["ls"].into_iter().collect::<Set>());
    let read = Action::new(&SQL, "SELECT 1")
        .with(Sql::EFFECT, "read")
        .with(Sql::TABLES, ["users"].into_iter().collect::<Set>());
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
