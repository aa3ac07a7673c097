//! Command lines and their facts.

use proptest::prelude::*;

use super::*;
use crate::corpus;

#[test]
fn corpus() {
    corpus::check(include_str!("../../../corpus/infra.toml"));
}

#[test]
fn tables_are_sorted_and_name_what_there_is() {
    let effects = DOMAIN.fact("effect").unwrap().values;
    for (name, program) in PROGRAMS {
        program.table.check(name, effects);
        for (of, option, effect) in program.turns {
            assert!(program.table.has_command(of), "{name}: {of}");
            assert!(program.table.has_option(option), "{name}: {of} {option}");
            assert!(effects.contains(effect), "{name}: {effect}");
        }
        for (option, _) in program.facts {
            assert!(program.table.has_option(option), "{name}: {option}");
        }
    }
}

proptest! {
    #[test]
    fn arbitrary_words_never_panic(words in proptest::collection::vec(".{0,8}|-[a-z=]{0,8}|--[a-z-]{0,12}(=x)?|app|sync|destroy|get|--", 0..8)) {
        let argv: Vec<&[u8]> = std::iter::once("x").chain(words.iter().map(String::as_str)).map(str::as_bytes).collect();
        let call = Call { argv: &argv, ..Call::default() };
        for (_, program) in PROGRAMS {
            action(&call, program);
        }
    }
}
