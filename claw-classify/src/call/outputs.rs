//! The files that a call writes, as its reading finds them.

use std::borrow::Cow;
use std::cell::{Ref, RefCell};

use super::Call;

/// A file that a call writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Output {
    /// The file at this path.
    At(Vec<u8>),
    /// Files in this folder, whose names nobody knows before: a server or the tool chooses them.
    In(Vec<u8>),
    /// Files of which nobody knows where they are, and why.
    Unknown(Cow<'static, str>),
}

/// The outputs that a reading found so far.
#[derive(Debug, Default)]
pub(crate) struct Outputs(RefCell<Vec<Output>>);

impl Outputs {
    fn add(&self, output: Output) {
        self.0.borrow_mut().push(output);
    }

    /// What was found, in order.
    pub(crate) fn found(&self) -> Ref<'_, [Output]> {
        Ref::map(self.0.borrow(), Vec::as_slice)
    }
}

impl Call<'_> {
    /// Notes that the call writes the file at `path`. `-` is standard output where the tool says so; whoever calls
    /// this knows.
    pub(crate) fn writes(&self, path: impl AsRef<[u8]>) {
        self.note(Output::At(path.as_ref().to_vec()));
    }

    /// Notes that the call writes files into `folder` whose names are not known.
    pub(crate) fn writes_into(&self, folder: impl AsRef<[u8]>) {
        let folder = folder.as_ref();
        self.note(Output::In(if folder.is_empty() { b".".to_vec() } else { folder.to_vec() }));
    }

    /// Notes that the call writes files of which nobody knows where they are.
    pub(crate) fn writes_somewhere(&self, why: impl Into<Cow<'static, str>>) {
        self.note(Output::Unknown(why.into()));
    }

    /// Notes an output.
    pub(crate) fn note(&self, output: Output) {
        if let Some(watch) = self.watch {
            watch.outputs.add(output);
        }
    }
}

/// `name` below `folder`, or `name` alone if it is absolute.
pub(crate) fn join(folder: &[u8], name: &[u8]) -> Vec<u8> {
    if name.starts_with(b"/") || folder.is_empty() {
        return name.to_vec();
    }
    [folder, b"/", name].concat()
}
