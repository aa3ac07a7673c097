//! Shells that a tool started to run one program for it, and nothing else: git runs its credential helpers and its
//! filters as `sh -c 'git credential-store get'`.
//!
//! The next exec of such a process, or of a child that it forked for that, is the tool's own, if it is of exactly the
//! words that the tool gave the shell. The shell must be the machine's own, its text plain words, and its environment free of functions. Anything else that it
//! runs is called by hand.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use claw_policy::Name;
use procfs::process::Process;
use rustix::process::Pid;

use crate::decode::{Decoder, Identity, Snapshot};

/// How many are remembered. They last from one exec of a process to its next.
const MAX: usize = 1024;

/// The shells of a session that a tool started, by process.
#[derive(Debug, Default)]
pub(crate) struct Relays(Mutex<HashMap<Pid, Relay>>);

#[derive(Debug)]
struct Relay {
    /// When the process began, in ticks, which tells it from another one with its number.
    began: u64,
    /// The shell's file.
    shell: Identity,
    /// The tool that started it.
    tool: Name,
    /// What the shell was told to run.
    words: Vec<Vec<u8>>,
}

impl Relays {
    /// Says in `snapshot` who really calls, where a shell does so for a tool; and remembers that a shell will.
    pub(crate) fn look_through(&self, snapshot: &mut Snapshot, decoder: &Decoder) {
        let process = snapshot.process;
        let relays = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = relays().remove(&process).map(|relay| (process, relay));
        let Some(tool) = snapshot.caller.clone() else {
            let called = snapshot.image.programs.first().map(|program| &program.argv);
            // A shell that forks for its one command waits for it, and so is still there.
            let parents = || {
                let parent = parent(process)?;
                relays().remove(&parent).map(|relay| (parent, relay))
            };
            snapshot.caller = own
                .or_else(parents)
                .filter(|(shell, relay)| {
                    called.is_some_and(|argv| argv.iter().eq(relay.words.iter().map(Vec::as_slice)))
                        && decoder.runs(process, relay.shell)
                        && decoder.runs(*shell, relay.shell)
                        && began(*shell) == Some(relay.began)
                })
                .map(|(_, relay)| relay.tool);
            return;
        };
        let shell = snapshot.image.identity;
        let (Some(words), Some(began)) = (words(snapshot), began(process)) else { return };
        if !decoder.is_shell(shell) {
            return;
        }
        let mut relays = relays();
        if relays.len() >= MAX {
            relays.clear();
        }
        relays.insert(process, Relay { began, shell, tool, words });
    }
}

/// The words of the one program that a shell is told to run; nothing if its text is more than plain words.
fn words(snapshot: &Snapshot) -> Option<Vec<Vec<u8>>> {
    let [program] = &snapshot.image.programs[..] else { return None };
    if snapshot.env.iter().any(|entry| entry.starts_with(b"BASH_FUNC_")) {
        return None;
    }
    let mut argv = program.argv.iter().skip(1);
    let (Some(b"-c"), Some(text)) = (argv.next(), argv.next()) else { return None };
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b" -_./:@,".contains(byte);
    let words = text.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    text.iter().all(plain).then(|| words.map(<[u8]>::to_vec).collect())
}

/// The process that forked this one, while it is there.
fn parent(process: Pid) -> Option<Pid> {
    let stat = Process::new(process.as_raw_nonzero().get()).and_then(|it| it.stat()).ok()?;
    Pid::from_raw(stat.ppid)
}

/// When a process began, in ticks since the machine did.
fn began(process: Pid) -> Option<u64> {
    Process::new(process.as_raw_nonzero().get())
        .and_then(|it| it.stat())
        .ok()
        .map(|stat| stat.starttime)
}
