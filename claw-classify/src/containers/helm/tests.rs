//! Command lines and their facts.

use proptest::prelude::*;

use super::*;
use crate::corpus;
use crate::{Call, Tools};

#[test]
fn corpus() {
    corpus::check(include_str!("../../../corpus/helm.toml"));
}

proptest! {
    #[test]
    fn arbitrary_words_never_panic(words in proptest::collection::vec(".{0,8}|-[a-z=]{0,8}|state|plan|list|repo", 0..8)) {
        let argv: Vec<&[u8]> = std::iter::once("x").chain(words.iter().map(String::as_str)).map(str::as_bytes).collect();
        let call = Call { argv: &argv, ..Call::default() };
        prop_assert_eq!(classify(&Tools::BUILT_IN.context(&call, &crate::NoFiles)).len(), 1);
    }
}
