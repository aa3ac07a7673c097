//! Where a call's files land: the folders that count, and what a path is without its links.

use std::fmt;

/// The folders round a live call. Whoever guards the session answers.
///
/// Nothing here is proven until the call runs: another process of the session can move the working directory or a
/// link in between. It could as well write the file itself, so this loses nothing.
pub trait Ground: fmt::Debug {
    /// The folder that the session started in, without links; none if that is not known.
    fn start(&self) -> Option<&[u8]>;

    /// The working directory of the caller, without links; none if that is not known.
    fn working_directory(&self) -> Option<&[u8]>;

    /// The absolute path of the file that is written at `path`, without links. What does not exist yet has no links.
    /// None if that is not known.
    fn real(&self, path: &[u8]) -> Option<Vec<u8>>;
}
