//! The relay between psql and the server. It passes everything on, and in between asks the server what a text
//! did.
//!
//! Before and after a text outside a transaction it asks for what would have changed ([`OBSERVED`]). A text
//! that looks like a read is run once more where the server refuses to write: in a READ ONLY transaction, or
//! behind a savepoint in one that was made READ ONLY there. psql sees none of it.

use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use super::truth::{Changes, Probe, Record};
use super::wire::{Message, Peer};

/// Codes in place of the protocol version in a first message (`src/include/libpq/pqcomm.h`).
const CANCEL: [u8; 4] = 80_877_102_u32.to_be_bytes();
const SSL: [u8; 4] = 80_877_103_u32.to_be_bytes();
const GSSENC: [u8; 4] = 80_877_104_u32.to_be_bytes();

/// One row: what a statement that is no read changes, one column each, named in [`Changes::NAMES`]. Every
/// transaction that writes uses up an id, and no other client is active.
const OBSERVED: &str = "SELECT pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot()), \
    (SELECT pg_catalog.count(*) FROM pg_catalog.pg_locks WHERE locktype = 'advisory'), \
    (SELECT pg_catalog.count(*) FROM pg_catalog.pg_prepared_statements), \
    (SELECT pg_catalog.count(*) FROM pg_catalog.pg_cursors), \
    (SELECT pg_catalog.count(*) FROM pg_catalog.pg_listening_channels()), \
    (SELECT pg_catalog.md5(pg_catalog.string_agg(name || '=' || setting, ',' ORDER BY name)) \
     FROM pg_catalog.pg_settings)";

/// Serves connections until the program ends; each text is put into `records`.
pub(super) fn serve(
    listener: &TcpListener,
    upstream: u16,
    file: &str,
    records: &Arc<Mutex<Vec<Record>>>,
) {
    for stream in listener.incoming().flatten() {
        let (file, records) = (file.to_owned(), Arc::clone(records));
        thread::spawn(move || -> io::Result<()> {
            let server = TcpStream::connect((Ipv4Addr::LOCALHOST, upstream))?;
            let mut relay = Relay {
                client: Peer::new(stream)?,
                server: Peer::new(server)?,
                file,
                records,
                status: b'I',
                literals: true,
                encoding: "UTF8".to_owned(),
            };
            relay.run()
        });
    }
}

struct Relay {
    client: Peer,
    server: Peer,
    file: String,
    records: Arc<Mutex<Vec<Record>>>,
    /// The transaction status of the last ReadyForQuery.
    status: u8,
    /// standard_conforming_strings.
    literals: bool,
    encoding: String,
}

/// The server's answer to one text.
#[derive(Debug, Default)]
struct Answer {
    tags: Vec<String>,
    error: Option<String>,
    /// COPY moved rows from the client.
    copied_in: bool,
    /// COPY moved rows to the client.
    copied_out: bool,
    row: Vec<String>,
}

impl Answer {
    fn reads(&self) -> bool {
        self.error.is_none()
            && !self.tags.is_empty()
            && self.tags.iter().all(|tag| match tag.split(' ').next() {
                Some("SELECT" | "SHOW" | "EXPLAIN") => true,
                Some("COPY") => self.copied_out && !self.copied_in,
                _ => false,
            })
    }
}

impl Relay {
    fn run(&mut self) -> io::Result<()> {
        if !self.start()? {
            return Ok(());
        }
        while let Some(message) = self.client.read()? {
            match message.kind {
                b'Q' => self.query(&message)?,
                b'X' => return self.server.send(&message),
                // Function call, and the end of a batch of the extended protocol.
                b'F' | b'S' => {
                    self.server.send(&message)?;
                    let (_, ready) = self.answer(true)?;
                    self.client.send(&ready)?;
                }
                _ => self.server.send(&message)?,
            }
        }
        Ok(())
    }

    /// The start of a connection, up to the first ReadyForQuery. False for a connection that is over.
    fn start(&mut self) -> io::Result<bool> {
        loop {
            let first = self.client.start_up()?;
            if first.starts_with(&SSL) || first.starts_with(&GSSENC) {
                self.client.put_bytes(b"N")?;
                continue;
            }
            self.server.put_start_up(&first)?;
            self.server.flush()?;
            if first.starts_with(&CANCEL) {
                return Ok(false);
            }
            break;
        }
        while let Some(message) = self.server.read()? {
            self.note(&message);
            self.client.send(&message)?;
            match message.kind {
                // Cleartext, MD5, SASL and SASL continued want an answer.
                b'R' if matches!(message.body.get(..4), Some([0, 0, 0, 3 | 5 | 10 | 11])) => {
                    let Some(answer) = self.client.read()? else { return Ok(false) };
                    self.server.send(&answer)?;
                }
                b'E' => return Ok(false),
                b'Z' => return Ok(true),
                _ => {}
            }
        }
        Ok(false)
    }

    fn query(&mut self, message: &Message) -> io::Result<()> {
        let text = message.text().to_vec();
        let (status, literals, encoding) = (self.status, self.literals, self.encoding.clone());
        let before = if status == b'I' { self.observe()? } else { None };
        self.server.send(message)?;
        let (answer, ready) = self.answer(true)?;
        let status = self.status;
        let after = if status == b'I' { self.observe()? } else { None };
        let mut changes = Changes::between(before, after);
        let probe = if answer.reads() { Some(self.probe(&text)?) } else { None };
        if changes.changed == ["a transaction id"] && probe == Some(Probe::Ran) {
            changes.at_end = self.writes_at_the_end(&text)?;
        }
        self.status = status;
        if let Ok(mut records) = self.records.lock() {
            records.push(Record {
                file: self.file.clone(),
                text,
                literals,
                encoding,
                tags: answer.tags,
                error: answer.error,
                changes,
                probe,
            });
        }
        self.client.send(&ready)
    }

    /// The server's messages up to the next ReadyForQuery, passed on to the client or not.
    fn answer(&mut self, pass: bool) -> io::Result<(Answer, Message)> {
        let mut answer = Answer::default();
        while let Some(message) = self.server.read()? {
            self.note(&message);
            match message.kind {
                b'Z' => return Ok((answer, message)),
                b'C' => answer.tags.push(String::from_utf8_lossy(message.text()).into_owned()),
                b'E' => answer.error = message.field(b'C'),
                b'H' => answer.copied_out = true,
                b'D' if !pass && answer.row.is_empty() => answer.row = message.columns(),
                _ => {}
            }
            let asynchronous = matches!(message.kind, b'A' | b'S');
            if pass || asynchronous {
                // Rows go in one piece.
                if matches!(message.kind, b'D' | b'd') {
                    self.client.put(&message)?;
                } else {
                    self.client.send(&message)?;
                }
            }
            if message.kind == b'G' {
                answer.copied_in = true;
                self.copy_in(pass)?;
            }
        }
        Err(io::ErrorKind::UnexpectedEof.into())
    }

    fn copy_in(&mut self, pass: bool) -> io::Result<()> {
        if !pass {
            return self.server.send(&Message { kind: b'f', body: b"no rows\0".to_vec() });
        }
        while let Some(message) = self.client.read()? {
            self.server.put(&message)?;
            if matches!(message.kind, b'c' | b'f') {
                break;
            }
        }
        self.server.flush()
    }

    /// What is remembered of messages that come at any time.
    fn note(&mut self, message: &Message) {
        match message.kind {
            b'Z' => self.status = message.body.first().copied().unwrap_or(b'I'),
            b'S' => {
                let mut parts = message.body.split(|&byte| byte == 0);
                let (name, value) = (parts.next(), parts.next().unwrap_or_default());
                match name {
                    Some(b"standard_conforming_strings") => self.literals = value == b"on",
                    Some(b"client_encoding") => {
                        self.encoding = String::from_utf8_lossy(value).into_owned();
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }

    /// Runs a text of our own.
    fn ask(&mut self, text: &[u8]) -> io::Result<Answer> {
        self.server.send(&Message::query(text))?;
        Ok(self.answer(false)?.0)
    }

    /// One column for each of [`Changes::NAMES`], or `None` if the session's state does not allow the query.
    fn observe(&mut self) -> io::Result<Option<Vec<String>>> {
        let answer = self.ask(OBSERVED.as_bytes())?;
        Ok((answer.error.is_none() && !answer.row.is_empty()).then_some(answer.row))
    }

    /// Whether the text itself does not write, but the end of its transaction does, as for a temporary table
    /// with ON COMMIT DELETE ROWS. Then each such transaction uses up an id at its end only.
    fn writes_at_the_end(&mut self, text: &[u8]) -> io::Result<bool> {
        let before = self.observe()?;
        self.ask(b"BEGIN")?;
        self.ask(text)?;
        let assigned =
            self.ask(b"SELECT pg_catalog.pg_current_xact_id_if_assigned() IS NOT NULL")?;
        self.ask(b"COMMIT")?;
        let after = self.observe()?;
        Ok(assigned.row == ["f"] && before.is_some() && before != after)
    }

    /// Runs a text where the server refuses to write, and takes it back.
    fn probe(&mut self, text: &[u8]) -> io::Result<Probe> {
        let (begin, end): (&[u8], &[u8]) = match self.status {
            b'I' => (b"BEGIN READ ONLY", b"ROLLBACK"),
            b'T' => (
                b"SAVEPOINT claw_probe; SET LOCAL transaction_read_only = on",
                b"ROLLBACK TO claw_probe; RELEASE claw_probe",
            ),
            _ => return Ok(Probe::Impossible),
        };
        if self.ask(begin)?.error.is_some() {
            return Ok(Probe::Impossible);
        }
        let answer = self.ask(text)?;
        self.ask(end)?;
        Ok(match answer.error.as_deref() {
            None => Probe::Ran,
            // read_only_sql_transaction.
            Some("25006") => Probe::Refused,
            Some(_) => Probe::Impossible,
        })
    }
}
