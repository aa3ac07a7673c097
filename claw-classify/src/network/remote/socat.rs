//! socat: both of its addresses.
//!
//! Source: socat(1), ADDRESS TYPES.

use claw_policy::{Action, Set};

use super::{Net, action};
use crate::call::{Call, text};

/// Types of addresses that stay on this host and start nothing.
const LOCAL: &[&str] = &[
    "-", "STDIO", "STDIN", "STDOUT", "STDERR", "FD", "FILE", "OPEN", "GOPEN", "CREATE", "CREAT",
    "PIPE", "ECHO",
];
/// How the types begin that are followed by a host and a port.
const HOST_AND_PORT: &[&str] = &["TCP", "UDP", "SCTP", "DCCP", "OPENSSL", "SSL"];

/// What one address does.
#[derive(Debug, Default)]
struct Found {
    starts: bool,
    listens: bool,
    local: bool,
    /// Host and port of every address that connects.
    to: Vec<(String, String)>,
    /// An address that leads elsewhere than it says, or is not read.
    unclear: bool,
}

pub(super) fn socat(call: &Call<'_>) -> Action {
    if matches!(call.argv, [_, b"-h" | b"-hh" | b"-hhh" | b"-?" | b"-??" | b"-???" | b"-V"]) {
        return action(call, "local");
    }
    let mut found = Found { local: true, ..Found::default() };
    let mut addresses = 0;
    let mut words = call.argv.iter().skip(1);
    while let Some(word) = words.next() {
        let word = text(word);
        if word.starts_with('-') && word.len() > 1 && addresses == 0 && !word.starts_with("-,") {
            // Block size, time-outs, the name of a log or of a lock.
            if matches!(
                &*word,
                "-b" | "-t" | "-T" | "-lf" | "-lp" | "-L" | "-W" | "-r" | "-R" | "-S"
            ) {
                words.next();
            }
            continue;
        }
        addresses += 1;
        word.split("!!").for_each(|half| found.address(half));
    }
    let effect = match (found.starts, found.listens, found.local) {
        (true, _, _) => "program",
        (false, true, _) => "listen",
        (false, false, true) => "local",
        (false, false, false) => "connect",
    };
    let mut action = action(call, effect);
    match &found.to[..] {
        _ if found.unclear => {
            action.set_opaque(Net::HOST, "an address leads through another host, or is not read");
            action.set_opaque(Net::PORTS, "an address leads through another host, or is not read");
        }
        [(host, port)] => {
            action.set(Net::HOST, host.to_ascii_lowercase());
            action.set(Net::PORTS, Set::from_iter([port.as_str()]));
        }
        [] => {}
        _ => {
            action.set_opaque(Net::HOST, "two hosts are connected");
            action.set(Net::PORTS, found.to.iter().map(|(_, port)| port.as_str()).collect::<Set>());
        }
    }
    action
}

impl Found {
    fn address(&mut self, half: &str) {
        let end = half.find([':', ',']).unwrap_or(half.len());
        let kind = half[..end].to_ascii_uppercase();
        let starts = ["EXEC", "SYSTEM", "SHELL"].contains(&kind.as_str());
        let listens = kind.contains("LISTEN")
            || kind.ends_with("-L")
            || kind.contains("RECV")
            || kind.starts_with("UDP-DATAGRAM");
        let by_name = !half.contains(':')
            && (half.contains('/') || half.bytes().all(|byte| byte.is_ascii_digit()));
        let local = (LOCAL.contains(&kind.as_str()) || by_name)
            && !half.to_ascii_lowercase().contains("socket");
        self.starts |= starts;
        self.listens |= listens;
        self.local &= local;
        if starts || listens || local || kind.starts_with("UNIX") || kind.starts_with("ABSTRACT") {
            return;
        }
        // Options follow after a comma.
        let place = half[end..].split(',').next().unwrap_or_default();
        let place = place.strip_prefix(':').and_then(|place| place.rsplit_once(':'));
        match place {
            Some((host, port)) if HOST_AND_PORT.iter().any(|known| kind.starts_with(known)) => {
                self.to.push((host.to_owned(), port.to_owned()));
            }
            _ => self.unclear = true,
        }
    }
}
