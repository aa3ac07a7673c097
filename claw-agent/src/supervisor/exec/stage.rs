//! Connects judging by content, which is pure, to the stopped image. Reads go through [`decode`], changes
//! through [`apply`].
//!
//! [`decode`]: crate::decode
//! [`apply`]: crate::apply

use std::io;

use crate::apply::stop::Stopped;
use crate::decode::{Contents, Found};
use crate::judge::content;

/// The exec stop, as a judgement by content sees it and acts on it.
pub(super) struct Stage<'a> {
    contents: Contents,
    stopped: &'a mut Stopped,
}

impl<'a> Stage<'a> {
    /// The stage of the image `stopped`.
    ///
    /// # Errors
    /// If the process is gone.
    pub(super) fn of(stopped: &'a mut Stopped) -> io::Result<Self> {
        Ok(Self { contents: Contents::of(stopped.tid())?, stopped })
    }
}

impl content::Stopped for Stage<'_> {
    fn file(&mut self, path: &[u8]) -> Found {
        self.contents.file(path)
    }

    fn stdin(&mut self) -> Found {
        self.contents.stdin()
    }

    fn reserve(&mut self) -> Result<u32, String> {
        self.stopped
            .reserve()
            .map_err(|error| format!("its content cannot be handed over: {error}"))
    }

    fn fill(&mut self, descriptor: u32, content: &[u8]) -> Result<(), String> {
        let filled = self.stopped.fill(descriptor, content);
        filled.map_err(|error| format!("its content cannot be handed over: {error}"))
    }
}
