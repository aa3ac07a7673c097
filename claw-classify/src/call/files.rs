//! The content of files that a call names, from whoever can vouch for it.

use std::fmt;

/// What is known of a file.
///
/// What it holds can only be asked for by saying whose file it is: [`File::named`] for one that the call names,
/// [`File::sought`] for one that the program looks for by itself. A file that could not be read is an error of both,
/// and so never passes for one that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct File<'a>(State<'a>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State<'a> {
    NotLookedAt,
    Unreadable,
    Absent,
    Folder(&'a [u8]),
    InPlace(&'a [u8]),
    Content(&'a [u8]),
}

/// What stands at a path, for a search that goes on elsewhere where it does not find what it wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AtPath<'a> {
    /// Nobody looked.
    NotLookedAt,
    /// Somebody looked and cannot tell.
    Unreadable,
    /// Nothing.
    Absent,
    /// A file that holds this.
    File(&'a [u8]),
    /// A folder, by its path without links.
    Folder(&'a [u8]),
}

/// Why there is no content: somebody looked and could not read the file; or the call names it, and nobody makes sure of
/// what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotRead;

impl<'a> File<'a> {
    /// Nobody looked: the call is only written down, or its files will be looked at later.
    pub const NOT_LOOKED_AT: Self = Self(State::NotLookedAt);
    /// Somebody looked and cannot tell what the program would read: the file is too long or too slow, may not be
    /// read, or is no file.
    pub const UNREADABLE: Self = Self(State::Unreadable);
    /// There is no such file.
    pub const ABSENT: Self = Self(State::Absent);

    /// A folder, by its path without links.
    #[must_use]
    pub fn folder(real: &'a [u8]) -> Self {
        Self(State::Folder(real))
    }

    /// Exactly these bytes: the caller makes sure that the program reads these and no others.
    #[must_use]
    pub fn content(bytes: &'a [u8]) -> Self {
        Self(State::Content(bytes))
    }

    /// These bytes were read, and may be written over before the program reads them.
    #[must_use]
    pub fn in_place(bytes: &'a [u8]) -> Self {
        Self(State::InPlace(bytes))
    }

    /// What a file holds that the call names, in its words or its environment; nothing if there is no such file.
    ///
    /// # Errors
    /// [`NotRead`], also where nobody looked, and where the file may still change.
    pub(crate) fn named(self) -> Result<Option<&'a [u8]>, NotRead> {
        match self.0 {
            State::Content(bytes) => Ok(Some(bytes)),
            State::Absent => Ok(None),
            State::Unreadable | State::NotLookedAt | State::Folder(_) | State::InPlace(_) => {
                Err(NotRead)
            }
        }
    }

    /// What a file holds that the program looks for by itself; nothing if there is no such file. A call that is only
    /// written down says nothing of such files, so one that nobody looked at counts as absent.
    ///
    /// # Errors
    /// [`NotRead`].
    pub(crate) fn sought(self) -> Result<Option<&'a [u8]>, NotRead> {
        match self.0 {
            State::Content(bytes) | State::InPlace(bytes) => Ok(Some(bytes)),
            State::Absent | State::NotLookedAt => Ok(None),
            State::Unreadable | State::Folder(_) => Err(NotRead),
        }
    }

    /// What a settings file holds that the call names and that stays where it is; nothing if there is no such file.
    ///
    /// # Errors
    /// [`NotRead`], also where nobody looked.
    pub(crate) fn kept(self) -> Result<Option<&'a [u8]>, NotRead> {
        match self.0 {
            State::Content(bytes) | State::InPlace(bytes) => Ok(Some(bytes)),
            State::Absent => Ok(None),
            State::Unreadable | State::NotLookedAt | State::Folder(_) => Err(NotRead),
        }
    }

    /// This one, or `other` where nobody looked at this one.
    pub(crate) fn or_if_not_looked_at(self, other: impl FnOnce() -> Self) -> Self {
        match self.0 {
            State::NotLookedAt => other(),
            State::Unreadable
            | State::Absent
            | State::Folder(_)
            | State::InPlace(_)
            | State::Content(_) => self,
        }
    }

    /// What stands there.
    pub(crate) fn at_path(self) -> AtPath<'a> {
        match self.0 {
            State::NotLookedAt => AtPath::NotLookedAt,
            State::Unreadable => AtPath::Unreadable,
            State::Absent => AtPath::Absent,
            State::Folder(real) => AtPath::Folder(real),
            State::InPlace(bytes) | State::Content(bytes) => AtPath::File(bytes),
        }
    }
}

/// Where the content of files comes from. Paths are as the call names them: relative ones are
/// relative to the call's working directory.
///
/// An implementation can note which paths were asked for; those are the files the facts depend on.
pub trait Files: fmt::Debug {
    /// The file at `path`.
    fn file(&self, path: &[u8]) -> File<'_>;

    /// The settings file at `path`, which the program has to find where it is: it names others by their way from
    /// there, or is written to. [`File::kept`] gives what it holds.
    fn settings(&self, path: &[u8]) -> File<'_> {
        self.file(path)
    }
}

/// One file that exists, and no other.
#[cfg(test)]
#[derive(Debug)]
pub(crate) struct One(pub(crate) &'static [u8], pub(crate) &'static [u8]);

#[cfg(test)]
impl Files for One {
    fn file(&self, path: &[u8]) -> File<'_> {
        if path == self.0 { File::content(self.1) } else { File::ABSENT }
    }
}

/// Nobody looked at any file.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoFiles;

impl Files for NoFiles {
    fn file(&self, _: &[u8]) -> File<'_> {
        File::NOT_LOOKED_AT
    }
}

/// Every file was looked at, and none can be read.
#[cfg(test)]
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unreadable;

#[cfg(test)]
impl Files for Unreadable {
    fn file(&self, _: &[u8]) -> File<'_> {
        File::UNREADABLE
    }
}
