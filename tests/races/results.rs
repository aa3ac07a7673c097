//! The results of a race or the flood, written for `cargo xtask escapes` if `CLAW_RACES_RESULTS` names a
//! directory.

use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use serde_json::Value;

/// Says it past the capture of a passing test: the counts are the suite's result, and always shown.
pub(crate) fn announce(text: &str) {
    writeln!(io::stderr(), "{text}").expect("stderr takes a line");
}

/// Leaves `result` as `NAME.json`.
pub(crate) fn leave(name: &str, result: &Value) {
    let Some(folder) = env::var_os("CLAW_RACES_RESULTS") else { return };
    let file = Path::new(&folder).join(format!("{}.json", name.replace(['/', ' '], "-")));
    fs::write(file, result.to_string()).expect("results are written");
}
