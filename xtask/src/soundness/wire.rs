//! Messages of PostgreSQL's protocol, version 3: a byte that names the kind, a length, and a body.
//!
//! Source: the PostgreSQL manual, "Frontend/Backend Protocol", "Message Formats".

use std::io::{self, BufReader, BufWriter, Read, Write};
use std::net::TcpStream;

/// The longest message that is relayed, in bytes.
const LIMIT: usize = 256 << 20;

/// One message.
#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) kind: u8,
    pub(super) body: Vec<u8>,
}

impl Message {
    /// A simple query.
    pub(super) fn query(text: &[u8]) -> Self {
        Self { kind: b'Q', body: [text, b"\0"].concat() }
    }

    /// The body up to its first NUL.
    pub(super) fn text(&self) -> &[u8] {
        self.body.split(|&byte| byte == 0).next().unwrap_or_default()
    }

    /// The field of an error or notice that is called `field`.
    pub(super) fn field(&self, field: u8) -> Option<String> {
        let found = self.body.split(|&byte| byte == 0).find(|part| part.first() == Some(&field))?;
        Some(String::from_utf8_lossy(&found[1..]).into_owned())
    }

    /// The columns of a data row, as text; NULL is empty.
    pub(super) fn columns(&self) -> Vec<String> {
        let mut rest = self.body.get(2..).unwrap_or_default();
        let mut columns = Vec::new();
        while let Some((length, after)) = rest.split_first_chunk::<4>() {
            let length = usize::try_from(i32::from_be_bytes(*length)).unwrap_or(0).min(after.len());
            columns.push(String::from_utf8_lossy(&after[..length]).into_owned());
            rest = &after[length..];
        }
        columns
    }
}

/// One side of a connection.
#[derive(Debug)]
pub(super) struct Peer {
    reader: BufReader<TcpStream>,
    writer: BufWriter<TcpStream>,
}

impl Peer {
    /// The other end of `stream`.
    pub(super) fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { reader: BufReader::new(stream.try_clone()?), writer: BufWriter::new(stream) })
    }

    /// The next message, or nothing at the end of the connection.
    pub(super) fn read(&mut self) -> io::Result<Option<Message>> {
        let mut kind = [0];
        if self.reader.read(&mut kind)? == 0 {
            return Ok(None);
        }
        Ok(Some(Message { kind: kind[0], body: self.body()? }))
    }

    /// A message without a kind, as a client sends it first.
    pub(super) fn start_up(&mut self) -> io::Result<Vec<u8>> {
        self.body()
    }

    fn body(&mut self) -> io::Result<Vec<u8>> {
        let mut length = [0; 4];
        self.reader.read_exact(&mut length)?;
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if !(4..=LIMIT).contains(&length) {
            return Err(io::Error::other(format!("a message of {length} bytes")));
        }
        let mut body = vec![0; length - 4];
        self.reader.read_exact(&mut body)?;
        Ok(body)
    }

    /// Sends a message at once.
    pub(super) fn send(&mut self, message: &Message) -> io::Result<()> {
        self.put(message)?;
        self.writer.flush()
    }

    /// Sends a message with the next one that is sent at once.
    pub(super) fn put(&mut self, message: &Message) -> io::Result<()> {
        self.writer.write_all(&[message.kind])?;
        self.put_start_up(&message.body)
    }

    /// Sends a message without a kind.
    pub(super) fn put_start_up(&mut self, body: &[u8]) -> io::Result<()> {
        let length = u32::try_from(body.len() + 4).map_err(io::Error::other)?;
        self.writer.write_all(&length.to_be_bytes())?;
        self.writer.write_all(body)
    }

    /// Sends bytes that are no message.
    pub(super) fn put_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.writer.write_all(bytes)?;
        self.flush()
    }

    /// Sends what was put.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}
