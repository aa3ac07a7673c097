//! nc in its variants, and telnet: which host they connect to, on which ports.
//!
//! Sources: nc(1) of OpenBSD and of the traditional netcat as Debian packages them, ncat(1),
//! telnet(1) of NetKit and of GNU inetutils. One letter differs between the variants: `-d` takes a
//! value in ncat and none elsewhere.

use claw_policy::{Action, Set};

use super::{Net, about, action};
use crate::call::{Call, text};

/// Letters with a value, in every variant that has them.
const VALUES: &[u8] = b"GIMOPTVWXgimopqswx";
/// Letters of a switch, in every variant that has them.
const SWITCHES: &[u8] = b"46CDFNSUbhklnrtuvz";
/// Long options of ncat with a value.
const LONG_VALUES: &[&str] = &[
    "allow",
    "allowfile",
    "append-output",
    "delay",
    "deny",
    "denyfile",
    "exec",
    "hex-dump",
    "idle-timeout",
    "lua-exec",
    "max-conns",
    "output",
    "proxy",
    "proxy-auth",
    "proxy-dns",
    "proxy-type",
    "sh-exec",
    "source",
    "source-port",
    "ssl-alpn",
    "ssl-cert",
    "ssl-ciphers",
    "ssl-key",
    "ssl-servername",
    "ssl-trustfile",
    "wait",
];

/// Long options of ncat without a value that others with one begin with.
const LONG_SWITCHES: &[&str] = &["listen", "send-only", "ssl", "ssl-verify"];

/// A call of nc, as far as its variants agree.
#[derive(Debug, Default)]
struct Line<'a> {
    letters: Vec<u8>,
    long: Vec<String>,
    operands: Vec<&'a [u8]>,
    /// The port that it waits on, or connects from.
    port: Option<&'a [u8]>,
    /// Why nobody can tell which words are operands.
    unclear: Option<String>,
}

fn read<'a>(argv: &[&'a [u8]]) -> Line<'a> {
    let mut line = Line::default();
    let mut words = argv.iter().copied().skip(1);
    while let Some(word) = words.next() {
        if word.len() < 2 || word[0] != b'-' {
            line.operands.push(word);
            continue;
        }
        if let Some(name) = word.strip_prefix(b"--") {
            let name = text(name);
            let (name, glued) =
                name.split_once('=').map_or((&*name, false), |(name, _)| (name, true));
            let begins = |known: &&&str| known.starts_with(name) && !LONG_SWITCHES.contains(&name);
            let begun = LONG_VALUES.iter().filter(begins).count();
            match (LONG_VALUES.contains(&name), begun) {
                (true, _) if !glued => _ = words.next(),
                (false, 1..) => {
                    let why = format!("`--{name}` may be short for an option with a value");
                    line.unclear.get_or_insert(why);
                }
                _ => {}
            }
            line.long.push(name.to_owned());
            continue;
        }
        for (at, letter) in word.iter().enumerate().skip(1) {
            line.letters.push(*letter);
            let last = at + 1 == word.len();
            if VALUES.contains(letter) || matches!(letter, b'e' | b'c') {
                let value = if last { words.next() } else { Some(&word[at + 1..]) };
                if *letter == b'p' {
                    line.port = value;
                }
                break;
            }
            if *letter == b'd' && last {
                line.unclear.get_or_insert_with(|| "`-d` has a value in one nc only".to_owned());
            } else if !SWITCHES.contains(letter) && *letter != b'd' {
                let why = format!("`-{}` is in no nc that is known", char::from(*letter));
                line.unclear.get_or_insert(why);
            }
        }
    }
    line
}

pub(super) fn nc(call: &Call<'_>) -> Action {
    if about(call) {
        return action(call, "local");
    }
    let line = read(call.argv);
    let letter = |wanted: &[u8]| line.letters.iter().any(|letter| wanted.contains(letter));
    let long = |begin: &str| line.long.iter().any(|name| name.starts_with(begin));
    let starts = letter(b"ec") || long("ex") || long("sh") || long("lua");
    let listens = letter(b"l") || long("li") || long("br") || long("ch");
    // Nothing is sent if nothing else is asked for; a proxy is told the host.
    let plain =
        line.long.is_empty() && line.letters.iter().all(|letter| b"vnu46drzwiqsp".contains(letter));
    let effect = match (starts, listens, letter(b"z") && plain) {
        (true, _, _) => "program",
        (false, true, _) => "listen",
        (false, false, true) => "probe",
        (false, false, false) => "connect",
    };
    let mut action = action(call, effect);
    if let Some(reason) = line.unclear {
        action.set_opaque(Net::HOST, reason.clone());
        action.set_opaque(Net::PORTS, reason);
        return action;
    }
    if letter(b"U") || long("unixsock") {
        // The operand is the path of a socket.
        return action;
    }
    let shown = |ports: &[&[u8]]| ports.iter().map(|port| text(port)).collect::<Set>();
    match (&line.operands[..], listens) {
        ([port], true) => action.set(Net::PORTS, shown(&[port])),
        ([_, ports @ ..], true) if !ports.is_empty() => action.set(Net::PORTS, shown(ports)),
        (_, true) => action.set(Net::PORTS, shown(line.port.as_slice())),
        ([host, ports @ ..], false) => {
            action.set(Net::HOST, text(host).to_ascii_lowercase());
            action.set(Net::PORTS, shown(ports));
        }
        ([], false) => {}
    }
    action
}

pub(super) fn telnet(call: &Call<'_>) -> Action {
    let mut action = action(call, if about(call) { "local" } else { "connect" });
    let mut operands = Vec::new();
    let mut words = call.argv.iter().skip(1);
    while let Some(word) = words.next() {
        match word {
            [b'-', b'-', name @ ..] => {
                let value = [&b"escape"[..], b"trace", b"user"].contains(&name);
                if value {
                    words.next();
                }
            }
            // The last letter may take the next word.
            [b'-', .., letter] if word.len() > 1 => {
                if b"SXbeklnV".contains(letter) {
                    words.next();
                }
            }
            operand => operands.push(*operand),
        }
    }
    if let [host, port @ ..] = &operands[..] {
        action.set(Net::HOST, text(host).to_ascii_lowercase());
        action.set(Net::PORTS, port.iter().map(|port| text(port)).collect::<Set>());
    }
    action
}
