//! All corpora together: how many command lines there are, of which tools, and how many are ordinary work.

use std::collections::BTreeMap;

use claw_corpus::lines;
use claw_policy::{decide, parse};

use super::*;
use crate::TOOLS;

/// Lines and ordinary lines of each tool. A line is ordinary if its every action is read and
/// `policies/starter.toml` allows it, which lets work go on and stops what is hard to undo.
fn counts() -> BTreeMap<String, (usize, usize)> {
    let text = include_str!("../../../policies/starter.toml");
    let policy = parse(text, "starter.toml", &crate::schema()).unwrap();
    let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for words in lines() {
        let facts = facts(&words);
        let Some(tool) = &facts.tool else { continue };
        let read = facts.actions.iter().all(|action| action.opaque.is_none());
        let allowed = decide(&policy, &facts).verdict.runs();
        let count = counts.entry(tool.to_string()).or_default();
        count.0 += 1;
        count.1 += usize::from(read && allowed);
    }
    counts
}

#[test]
#[expect(clippy::print_stdout, reason = "the counts are what one runs it for")]
fn there_are_many_lines_and_most_are_ordinary_work() {
    let counts = counts();
    let (mut all, mut ordinary) = (0, 0);
    for (tool, (lines, of_them)) in &counts {
        println!("{tool}: {lines} command lines, {of_them} of them ordinary work");
        all += lines;
        ordinary += of_them;
    }
    println!("all tools: {all} command lines, {ordinary} of them ordinary work");
    assert!(all >= 1_500, "{all} command lines");
    assert!(ordinary * 3 >= all * 2, "{ordinary} of {all} are ordinary work");
    let without: Vec<&str> =
        TOOLS.iter().map(|tool| tool.name).filter(|name| !counts.contains_key(*name)).collect();
    assert!(without.is_empty(), "tools without command lines: {without:?}");
}

macro_rules! corpora {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                check(include_str!(concat!("../../corpus/", stringify!($name), ".toml")));
            }
        )*
    };
}

corpora! { clients code door httpie kubectl net }
