//! The one place that builds a [`Call`]: for an exec that is held or observed, for one with handed-over
//! content, and for a written one.

use claw_classify::{Call, Ground, Stdin};

use crate::decode::{Program, Snapshot};

/// The words of a call, as slices that the call can borrow.
#[derive(Debug)]
pub(crate) struct Words<'a> {
    argv: Vec<&'a [u8]>,
    env: Vec<&'a [u8]>,
    names: Vec<&'a [u8]>,
    interpreters: Vec<&'a [u8]>,
    path: &'a [u8],
    uid: Option<u32>,
    cwd: Option<&'a [u8]>,
    untrusted: bool,
    caller: Option<&'a str>,
    ground: Option<&'a dyn Ground>,
}

impl<'a> Words<'a> {
    /// The words of `program`, which `snapshot` would run.
    pub(crate) fn of(snapshot: &'a Snapshot, program: &'a Program) -> Self {
        Self {
            argv: program.argv.iter().collect(),
            env: snapshot.env.iter().collect(),
            names: program.names.iter().map(Vec::as_slice).collect(),
            interpreters: program.interpreters.iter().map(Vec::as_slice).collect(),
            path: &program.path,
            uid: snapshot.uid,
            cwd: snapshot.working_directory.as_ref().map(|cwd| cwd.path.as_slice()),
            untrusted: program.untrusted,
            caller: snapshot.caller.as_deref(),
            ground: Some(snapshot),
        }
    }

    /// The same program with other arguments and another environment.
    pub(crate) fn with(self, argv: &'a [Vec<u8>], env: &'a [Vec<u8>]) -> Self {
        Self {
            argv: argv.iter().map(Vec::as_slice).collect(),
            env: env.iter().map(Vec::as_slice).collect(),
            ..self
        }
    }

    /// The words of a written call. Its program is known only by the last part of `argv[0]`.
    pub(crate) fn written(argv: &'a [Vec<u8>], env: &'a [Vec<u8>], cwd: Option<&'a [u8]>) -> Self {
        let path = argv.first().map_or(&b""[..], Vec::as_slice);
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        Self {
            argv: argv.iter().map(Vec::as_slice).collect(),
            env: env.iter().map(Vec::as_slice).collect(),
            names: vec![name],
            interpreters: Vec::new(),
            path,
            uid: None,
            cwd,
            untrusted: false,
            caller: None,
            ground: None,
        }
    }

    /// The call, with this standard input.
    pub(crate) fn call<'b>(&'b self, stdin: Stdin<'b>) -> Call<'b> {
        Call {
            argv: &self.argv,
            env: &self.env,
            cwd: self.cwd,
            uid: self.uid,
            path: self.path,
            names: &self.names,
            stdin,
            untrusted: self.untrusted,
            interpreters: &self.interpreters,
            caller: self.caller,
            ground: self.ground,
            watch: None,
        }
    }
}
