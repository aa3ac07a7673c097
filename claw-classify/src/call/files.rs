//! The content of files that a call names, for whoever can vouch for it.

use std::fmt;

/// What is known of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum File<'a> {
    /// Nobody looked, or it may change before it is read.
    Unknown,
    /// There is none.
    Absent,
    /// Exactly these bytes: the caller sees to it that the program reads these and no others.
    Content(&'a [u8]),
}

/// Where the content of files comes from. Paths are as the call names them: relative ones are relative
/// to the call's working directory.
///
/// Whoever implements it can note which paths were asked for; those are the files the facts depend on.
pub trait Files: fmt::Debug {
    /// The file at `path`.
    fn file(&self, path: &[u8]) -> File<'_>;
}

/// One file that is there, and no other.
#[cfg(test)]
#[derive(Debug)]
pub(crate) struct One(pub(crate) &'static [u8], pub(crate) &'static [u8]);

#[cfg(test)]
impl Files for One {
    fn file(&self, path: &[u8]) -> File<'_> {
        if path == self.0 { File::Content(self.1) } else { File::Absent }
    }
}

/// No file is known.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoFiles;

impl Files for NoFiles {
    fn file(&self, _: &[u8]) -> File<'_> {
        File::Unknown
    }
}
