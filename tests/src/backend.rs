//! A server that only records: it speaks enough of PostgreSQL's protocol for `psql` to believe that everything it
//! sends succeeds and returns nothing.
//!
//! Source: the PostgreSQL manual, "Frontend/Backend Protocol". It executes no statement, so any text can be
//! sent.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// Codes in place of the protocol version in a first message (`src/include/libpq/pqcomm.h`).
const CANCEL: u32 = 80_877_102;
const SSL: u32 = 80_877_103;
const GSSENC: u32 = 80_877_104;

/// One connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sighted {
    /// The address that was connected to.
    pub host: String,
    /// The parameters of the startup message: `user`, `database`, `options` and others.
    pub parameters: BTreeMap<String, String>,
    /// The texts, each as one message brought it.
    pub texts: Vec<String>,
}

/// The server, on one port of 127.0.0.1 and of 127.0.0.2. It ends with the test program.
#[derive(Debug)]
pub struct Backend {
    port: u16,
    seen: Arc<Mutex<Vec<Sighted>>>,
}

impl Backend {
    /// Starts it.
    ///
    /// # Panics
    /// When there is no port that is free on both addresses.
    #[must_use]
    pub fn start() -> Self {
        let addresses = [Ipv4Addr::LOCALHOST, Ipv4Addr::new(127, 0, 0, 2)];
        let on =
            |port| addresses.map(|address| TcpListener::bind(SocketAddrV4::new(address, port)));
        let bound = (0..100).find_map(|_| {
            let port = TcpListener::bind((addresses[0], 0)).ok()?.local_addr().ok()?.port();
            let [Ok(one), Ok(other)] = on(port) else { return None };
            Some((port, [one, other]))
        });
        let (port, listeners) = bound.expect("a port is free on two loopback addresses");
        let seen: Arc<Mutex<Vec<Sighted>>> = Arc::default();
        for listener in listeners {
            let seen = Arc::clone(&seen);
            thread::spawn(move || {
                for stream in listener.incoming().flatten() {
                    let seen = Arc::clone(&seen);
                    // If a client goes away early, what it sent still counts.
                    thread::spawn(move || serve(stream, &seen));
                }
            });
        }
        Self { port, seen }
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What was seen since the last time. All of a client that has ended is there, since a client waits for the
    /// answer to each text.
    ///
    /// # Panics
    /// When a connection's thread has panicked.
    #[must_use]
    pub fn take(&self) -> Vec<Sighted> {
        std::mem::take(&mut *self.seen.lock().expect("no thread panics"))
    }
}

fn number(stream: &mut TcpStream) -> io::Result<u32> {
    let mut bytes = [0; 4];
    stream.read_exact(&mut bytes)?;
    Ok(u32::from_be_bytes(bytes))
}

fn body(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let length = number(stream)? as usize;
    let mut body = vec![0; length.saturating_sub(4)];
    stream.read_exact(&mut body)?;
    Ok(body)
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap_or(4);
    [&[kind][..], &length.to_be_bytes(), body].concat()
}

fn strings(body: &[u8]) -> Vec<String> {
    body.split(|byte| *byte == 0).map(|text| String::from_utf8_lossy(text).into_owned()).collect()
}

const READY: (u8, &[u8]) = (b'Z', b"I");

fn serve(mut stream: TcpStream, seen: &Mutex<Vec<Sighted>>) -> io::Result<()> {
    let parameters = loop {
        let first = body(&mut stream)?;
        let code = first.first_chunk::<4>().map_or(0, |code| u32::from_be_bytes(*code));
        match code {
            SSL | GSSENC => stream.write_all(b"N")?,
            CANCEL => return Ok(()),
            _ => break strings(&first[4..]),
        }
    };
    let parameters = parameters.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone()));
    let parameters = parameters.filter(|(name, _)| !name.is_empty()).collect();
    let host = stream.local_addr()?.ip().to_string();
    let place = {
        let mut seen = seen.lock().map_err(|_| io::ErrorKind::Other)?;
        seen.push(Sighted { host, parameters, texts: Vec::new() });
        seen.len() - 1
    };
    let mut greeting = message(b'R', &0_u32.to_be_bytes());
    for parameter in [
        "server_version\0".to_owned() + "15.0\0",
        "client_encoding\0".to_owned() + "UTF8\0",
        "standard_conforming_strings\0".to_owned() + "on\0",
    ] {
        greeting.extend(message(b'S', parameter.as_bytes()));
    }
    greeting.extend(message(b'K', &[0; 8]));
    greeting.extend(message(READY.0, READY.1));
    stream.write_all(&greeting)?;
    loop {
        let mut kind = [0];
        stream.read_exact(&mut kind)?;
        let body = body(&mut stream)?;
        let text = match kind[0] {
            b'Q' => strings(&body).into_iter().next(),
            // The name of the prepared statement, then the text.
            b'P' => strings(&body).into_iter().nth(1),
            _ => None,
        };
        if let Some(text) = text {
            let mut seen = seen.lock().map_err(|_| io::ErrorKind::Other)?;
            if let Some(sighted) = seen.get_mut(place) {
                sighted.texts.push(text);
            }
        }
        let answer: &[(u8, &[u8])] = match kind[0] {
            b'Q' => &[(b'C', b"SELECT 0\0"), READY],
            b'P' => &[(b'1', b"")],
            b'B' => &[(b'2', b"")],
            b'C' => &[(b'3', b"")],
            // A statement is described by its parameters, too.
            b'D' if body.first() == Some(&b'S') => &[(b't', &[0, 0]), (b'n', b"")],
            b'D' => &[(b'n', b"")],
            b'E' => &[(b'C', b"SELECT 0\0")],
            b'S' => &[READY],
            b'X' => return Ok(()),
            _ => &[],
        };
        for (kind, body) in answer {
            stream.write_all(&message(*kind, body))?;
        }
    }
}
