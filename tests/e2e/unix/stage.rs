//! Servers on Unix sockets, everything they receive, and policies about them.

use std::fs;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use claw_tests::call::{Call, Ran};
use claw_tests::claw::Guard;
use claw_tests::record::Record;
use claw_tests::tracee::{Linkage, copy_program, program};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketType, accept, bind, listen, recv,
    send, socket,
};
use tempfile::TempDir;

/// How long what was sent may take to be read.
const HEARING: Duration = Duration::from_millis(300);

/// How much of claw there is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Level {
    Proven,
    Held,
}

/// Both.
pub(crate) const LEVELS: [Level; 2] = [Level::Proven, Level::Held];

impl Level {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Proven => "proven",
            Self::Held => "held",
        }
    }

    pub(crate) fn guard(self, policy: &Path) -> Guard {
        let guard = Guard::with_policy_file(policy).option("--require").option(self.name());
        match self {
            Self::Proven => guard,
            Self::Held => guard.as_ordinary_user(),
        }
    }
}

/// A folder with an open and a closed socket of each kind.
pub(crate) struct Stage {
    folder: TempDir,
    heard: Arc<Mutex<Vec<(String, String)>>>,
    words: AtomicU32,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let folder = TempDir::with_prefix("claw-unix-").expect("a temporary directory");
        open_to_all(folder.path());
        let stage = Self { folder, heard: Arc::default(), words: AtomicU32::new(0) };
        copy_program(program("unix_reach", Linkage::Static), stage.program());
        open_to_all(&stage.program());
        for side in ["open", "closed"] {
            stage.stream(side, UnixListener::bind(stage.name(side, "stream")).expect("bound"));
            let name = stage.name(side, "@");
            let name = SocketAddr::from_abstract_name(&name[1..]).expect("a short name");
            stage.stream(side, UnixListener::bind_addr(&name).expect("bound"));
            let datagrams = UnixDatagram::bind(stage.name(side, "datagrams")).expect("bound");
            let note = stage.note(side);
            thread::spawn(move || {
                let mut buffer = [0; 2048];
                while let Ok(length) = datagrams.recv(&mut buffer) {
                    note(&buffer[..length]);
                }
            });
            stage.packets(side);
            for kind in ["stream", "datagrams", "packets"] {
                open_to_all(Path::new(&stage.name(side, kind)));
            }
        }
        stage
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// `unix_reach.c`, where every user finds it.
    pub(crate) fn program(&self) -> PathBuf {
        self.folder().join("unix_reach")
    }

    /// What a socket is called; `kind` is `stream`, `datagrams`, `packets`, or `@` for an abstract stream.
    pub(crate) fn name(&self, side: &str, kind: &str) -> String {
        if kind == "@" {
            let folder = self.folder().file_name().expect("it has a name").to_string_lossy();
            return format!("@{folder}-{side}");
        }
        self.folder().join(format!("{side}.{kind}")).display().to_string()
    }

    /// A word that was not sent yet.
    pub(crate) fn word(&self) -> String {
        format!("word-{}.", self.words.fetch_add(1, Ordering::Relaxed))
    }

    /// A policy file.
    pub(crate) fn policy(&self, text: &str) -> PathBuf {
        let path = self.folder().join(format!("{}toml", self.word()));
        fs::write(&path, format!("version = 1\n{text}")).expect("the folder is ours");
        path
    }

    /// Everything closed is denied, and a network.
    pub(crate) fn rules(&self) -> PathBuf {
        self.policy(&format!(
            "[[connect]]\nid = \"closed\"\nunix = [\"{}*\", \"{}\"]\nverdict = \"deny\"\nreason = \"closed\"\n\
             [[connect]]\nid = \"net\"\nto = \"127.0.9.0/24\"\nverdict = \"deny\"\nreason = \"closed\"\n",
            self.name("closed", ""),
            self.name("closed", "@"),
        ))
    }

    /// Sends a word to a socket.
    pub(crate) fn reach(&self, guard: Option<&Guard>, form: &str, name: &str, word: &str) -> Ran {
        let program = self.program().display().to_string();
        let call = Call::new([&program, form, name, word]);
        guard.map_or_else(|| call.bare(), |guard| call.guarded(guard))
    }

    /// Whether `word` arrived.
    pub(crate) fn heard(&self, side: &str, word: &str) -> bool {
        let deadline = Instant::now() + HEARING;
        while self.count(side, word) == 0 {
            if Instant::now() > deadline {
                return false;
            }
            thread::sleep(Duration::from_millis(5));
        }
        true
    }

    /// How often `word` arrived.
    pub(crate) fn count(&self, side: &str, word: &str) -> usize {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.iter().filter(|(at, text)| at == side && text.contains(word)).count()
    }

    /// A socket that everybody may write, in a folder that root alone may enter.
    pub(crate) fn private(&self) -> String {
        let folder = self.folder().join("private");
        fs::create_dir(&folder).expect("a new folder");
        fs::set_permissions(&folder, PermissionsExt::from_mode(0o700)).expect("ours");
        let path = folder.join("socket");
        self.stream("open", UnixListener::bind(&path).expect("bound"));
        open_to_all(&path);
        path.display().to_string()
    }

    fn note(&self, side: &str) -> impl Fn(&[u8]) + Clone + Send + 'static {
        let (heard, side) = (Arc::clone(&self.heard), side.to_owned());
        move |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes).into_owned();
            heard.lock().unwrap_or_else(PoisonError::into_inner).push((side.clone(), text));
        }
    }

    /// Serves one caller after the other.
    pub(crate) fn stream(&self, side: &str, listener: UnixListener) {
        let note = self.note(side);
        thread::spawn(move || {
            for mut caller in listener.incoming().flatten() {
                let mut buffer = [0; 2048];
                if let Ok(length @ 1..) = caller.read(&mut buffer) {
                    note(&buffer[..length]);
                    // The caller may be gone already.
                    let _ = caller.write_all(b"x");
                }
            }
        });
    }

    fn packets(&self, side: &str) {
        let server = socket(AddressFamily::UNIX, SocketType::SEQPACKET, None).expect("a socket");
        let name = SocketAddrUnix::new(self.name(side, "packets")).expect("a short name");
        bind(&server, &name).expect("bound");
        listen(&server, 8).expect("listening");
        let note = self.note(side);
        thread::spawn(move || {
            while let Ok(caller) = accept(&server) {
                let mut buffer = [0; 2048];
                if let Ok((length @ 1.., _)) = recv(&caller, &mut buffer[..], RecvFlags::empty()) {
                    note(&buffer[..length]);
                    // The caller may be gone already.
                    let _ = send(caller.as_fd(), b"x", SendFlags::NOSIGNAL);
                }
            }
        });
    }
}

/// The records about connections.
pub(crate) fn connects(ran: &Ran) -> Vec<&Record> {
    ran.records.iter().filter(|record| record.kind() == "connect").collect()
}

fn open_to_all(path: &Path) {
    fs::set_permissions(path, PermissionsExt::from_mode(0o777)).expect("it is ours");
}
