//! The known gaps, by the rows of SECURITY.md.

use std::fs;
use std::path::Path;

/// The first cell of a row of "Not closed yet".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gap(pub(crate) &'static str);

/// Sockets that come connected.
pub(crate) const CONNECTED_SOCKETS: Gap = Gap(
    "sockets made before the guard, or passed on over a Unix socket, that are connected already",
);

/// The memory of a governed tool, at the level `held`.
pub(crate) const HELD_MEMORY: Gap =
    Gap("the level `held`: `/proc/PID/mem` and `/proc/PID/environ` of a governed tool");

impl Gap {
    /// Whether SECURITY.md has the row.
    ///
    /// # Panics
    /// When SECURITY.md cannot be read.
    pub(crate) fn is_owned_up_to(self) -> bool {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../SECURITY.md");
        let text = fs::read_to_string(path).expect("SECURITY.md can be read");
        let (_, rest) =
            text.split_once("## Not closed yet").expect("SECURITY.md says what is open");
        let section = rest.split("\n## ").next().unwrap_or_default();
        section.lines().any(|line| line.starts_with(&format!("| {} |", self.0)))
    }
}
