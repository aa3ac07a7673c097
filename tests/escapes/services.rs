//! The servers that attempts try to reach: each under an open and under a closed address, and all they hear.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::fd::AsFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{self as unix, UnixDatagram, UnixListener};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// The port of every server here.
pub(crate) const PORT: u16 = 7700;

/// Whether the policy lets an address be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Side {
    /// It does.
    Open,
    /// It does not.
    Closed,
}

impl Side {
    /// Both.
    pub(crate) const ALL: [Self; 2] = [Self::Open, Self::Closed];

    /// For file names.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }

    /// The last number of its addresses.
    fn number(self) -> u8 {
        match self {
            Self::Open => 1,
            Self::Closed => 2,
        }
    }

    /// Its IPv4 address.
    pub(crate) fn v4(self) -> String {
        format!("127.0.0.{}", self.number())
    }

    /// Its IPv6 address.
    pub(crate) fn v6(self) -> String {
        format!("fd66::{}", self.number())
    }

    /// Its link-local address, without a scope.
    pub(crate) fn link(self) -> String {
        format!("fe80::{}", self.number())
    }

    /// The name of its abstract Unix socket.
    pub(crate) fn abstract_name(self) -> String {
        format!("claw-escapes-{}", self.name())
    }
}

/// Everything that came in: where, and what.
#[derive(Debug, Default, Clone)]
pub(crate) struct Heard(Arc<Mutex<Vec<(Side, String)>>>);

impl Heard {
    /// Whether `token` comes in at `side` while there is `patience`: what was sent has arrived when its sender ends,
    /// and has yet to be read.
    pub(crate) fn hears(&self, side: Side, token: &str, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        while !self.has(side, token) {
            if Instant::now() > deadline {
                return false;
            }
            thread::sleep(Duration::from_millis(5));
        }
        true
    }

    fn has(&self, side: Side, token: &str) -> bool {
        let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.iter().any(|(at, text)| *at == side && text.contains(token))
    }

    fn note(&self, side: Side, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes).into_owned();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((side, text));
    }
}

/// Starts every server in the network namespace `network`, its Unix sockets in `folder`.
///
/// # Panics
/// When one of them cannot be started.
pub(crate) fn start(network: File, folder: &Path) -> Heard {
    let heard = Heard::default();
    let (noted, folder) = (heard.clone(), folder.to_owned());
    // A thread has a network namespace of its own; those that it starts have it too.
    let starter = thread::spawn(move || {
        move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network))
            .expect("root may enter a network namespace");
        for side in Side::ALL {
            let scoped = format!("[{}%1]:{PORT}", side.link());
            for address in
                [format!("{}:{PORT}", side.v4()), format!("[{}]:{PORT}", side.v6()), scoped]
            {
                let address: SocketAddr = address.parse().expect("an address");
                serve_internet(side, address, &noted);
            }
            serve_unix(side, &folder, &noted);
        }
    });
    starter.join().expect("the servers start");
    heard
}

fn serve_internet(side: Side, address: SocketAddr, heard: &Heard) {
    let listener = TcpListener::bind(address).unwrap_or_else(|error| panic!("{address}: {error}"));
    let noted = heard.clone();
    thread::spawn(move || listener.incoming().flatten().for_each(|one| hear(side, one, &noted)));
    let socket = UdpSocket::bind(address).unwrap_or_else(|error| panic!("{address}: {error}"));
    let noted = heard.clone();
    thread::spawn(move || {
        let mut buffer = [0; 2048];
        while let Ok(length) = socket.recv(&mut buffer) {
            noted.note(side, &buffer[..length]);
        }
    });
}

fn serve_unix(side: Side, folder: &Path, heard: &Heard) {
    let path = folder.join(format!("{}.sock", side.name()));
    let listener = UnixListener::bind(&path).expect("a new Unix socket");
    let name = unix::SocketAddr::from_abstract_name(side.abstract_name()).expect("a short name");
    let other = UnixListener::bind_addr(&name).expect("a new abstract socket");
    for listener in [listener, other] {
        let noted = heard.clone();
        thread::spawn(move || {
            listener.incoming().flatten().for_each(|one| hear(side, one, &noted));
        });
    }
    let datagrams = folder.join(format!("{}.dgram", side.name()));
    let socket = UnixDatagram::bind(&datagrams).expect("a new Unix socket");
    let noted = heard.clone();
    thread::spawn(move || {
        let mut buffer = [0; 2048];
        while let Ok(length) = socket.recv(&mut buffer) {
            noted.note(side, &buffer[..length]);
        }
    });
    for path in [path, datagrams] {
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o777)).expect("ours");
    }
}

/// Notes what one caller says, and answers once, on a thread of its own.
fn hear(side: Side, mut caller: impl Read + Write + Send + 'static, heard: &Heard) {
    let heard = heard.clone();
    thread::spawn(move || {
        let mut buffer = [0; 2048];
        while let Ok(length) = caller.read(&mut buffer) {
            if length == 0 {
                break;
            }
            heard.note(side, &buffer[..length]);
            // The caller may be gone already.
            let _ = caller.write_all(b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nok\n");
        }
    });
}
