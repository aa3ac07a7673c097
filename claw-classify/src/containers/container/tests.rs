//! Command lines and their facts.

use proptest::prelude::*;

use super::*;
use crate::corpus;
use crate::{NoFiles, Tools};

#[test]
fn corpus() {
    corpus::check(include_str!("../../../corpus/container.toml"));
}

proptest! {
    #[test]
    fn arbitrary_words_never_panic(words in proptest::collection::vec(".{0,8}|-[a-z]{0,5}|exec|run|compose|db|psql", 0..8)) {
        let argv: Vec<&[u8]> = std::iter::once("docker").chain(words.iter().map(String::as_str)).map(str::as_bytes).collect();
        let call = Call { argv: &argv, names: &[b"docker"], ..Call::default() };
        prop_assert!(!docker(&Tools::BUILT_IN.context(&call, &NoFiles)).actions.is_empty());
    }
}

#[test]
fn a_limit_reaches_a_statement_inside() {
    let argv: &[&[u8]] =
        &[b"docker", b"exec", b"-e", b"A=b", b"db", b"psql", b"-c", b"SELECT * FROM t"];
    let call = Call { argv, names: &[b"docker"], ..Call::default() };
    let tools = Tools::BUILT_IN;
    let reading = tools.read(&call, &NoFiles);
    let facts = &reading.facts;
    let change = claw_policy::Change::Limit(&sql::LIMIT_ROWS, 5);
    let limited = facts.actions.iter().position(|action| action.domain.name() == "sql").unwrap();
    let asked = [Rewrite { action: limited, change, rule: "r".to_owned() }];
    let rewritten = reading.rewrite(&asked).unwrap();
    assert_eq!(rewritten.argv.last().unwrap(), b"SELECT * FROM t LIMIT 5");
    assert_eq!(rewritten.argv[..7], argv[..7]);
}

#[test]
fn loaded_code_inside_is_not_a_tool() {
    let found = corpus::actions("docker exec -e LD_PRELOAD=/x.so db psql -c TABLE");
    assert!(found[0].fact("tool").is_none());
}
