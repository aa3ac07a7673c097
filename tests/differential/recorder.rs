//! A server on loopback that takes note of every request and answers as it is told to.
//!
//! HTTP/1.1 in the part of it that the tools speak: persistent connections, bodies by length or in chunks,
//! `Expect: 100-continue`, absolute targets and `CONNECT` as a proxy gets them. What is no HTTP is noted as the
//! method `?` with its first bytes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

/// A request as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// The target as it stands in the request line.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    /// 200 with JSON.
    pub(crate) fn json(body: impl Into<String>) -> Self {
        let headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
        Self { status: 200, headers, body: body.into() }
    }

    /// The same with another status.
    pub(crate) fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }
}

impl Request {
    /// A header, by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The target without what follows a question mark.
    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// Everything of it as text.
    pub(crate) fn text(&self) -> String {
        let headers = self.headers.iter().map(|(name, value)| format!("{name}: {value}\n"));
        let body = String::from_utf8_lossy(&self.body);
        format!("{} {}\n{}{body}", self.method, self.target, headers.collect::<String>())
    }
}

type Rule = Arc<dyn Fn(&Request) -> Answer + Send + Sync>;

/// The server.
#[derive(Debug)]
pub(crate) struct Recorder {
    port: u16,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Recorder {
    /// A server on a free port of loopback.
    pub(crate) fn start(rule: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (notes, rule): (_, Rule) = (Arc::clone(&seen), Arc::new(rule));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (notes, rule) = (Arc::clone(&notes), Arc::clone(&rule));
                let Ok(writer) = stream.try_clone() else { continue };
                thread::spawn(move || serve(BufReader::new(stream), writer, &notes, &rule));
            }
        });
        Self { port, seen }
    }

    /// The port it listens on.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// What was seen since the last time that this was asked.
    pub(crate) fn take(&self) -> Vec<Request> {
        std::mem::take(&mut self.seen.lock().expect("nobody panics in it"))
    }
}

fn serve(
    mut reader: BufReader<impl Read>,
    mut writer: impl Write,
    notes: &Mutex<Vec<Request>>,
    rule: &Rule,
) {
    while let Some(request) = one(&mut reader, &mut writer) {
        let garbage = request.method == "?";
        // A tunnel would lead to somebody else, and there is nobody else.
        let answer = match request.method.as_str() {
            "CONNECT" => Answer::json("").status(502),
            _ => rule(&request),
        };
        let method = request.method.clone();
        notes.lock().expect("nobody panics in it").push(request);
        if garbage || give(&mut writer, &answer, &method).is_none() {
            return;
        }
    }
}

/// Reads one request; nothing at the end of the connection.
fn one(reader: &mut BufReader<impl Read>, writer: &mut impl Write) -> Option<Request> {
    let mut first = Vec::new();
    reader.by_ref().take(65536).read_until(b'\n', &mut first).ok()?;
    if first.is_empty() {
        return None;
    }
    let line = String::from_utf8_lossy(&first).trim_end().to_owned();
    let words: Vec<&str> = line.split(' ').collect();
    let [method, target @ .., version] = words.as_slice() else { return Some(garbage(line)) };
    if !version.starts_with("HTTP/1") {
        return Some(garbage(line));
    }
    let mut request = Request {
        method: (*method).to_owned(),
        target: target.join(" "),
        headers: Vec::new(),
        body: Vec::new(),
    };
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':')?;
        request.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    if request.header("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue")) {
        writer.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").ok()?;
    }
    if request.header("transfer-encoding").is_some_and(|value| value.contains("chunked")) {
        request.body = chunks(reader)?;
    } else if let Some(length) = request.header("content-length") {
        let length = length.parse().ok().filter(|length| *length < 1 << 24)?;
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        request.body = body;
    }
    Some(request)
}

fn garbage(line: String) -> Request {
    Request { method: "?".to_owned(), target: line, headers: Vec::new(), body: Vec::new() }
}

fn chunks(reader: &mut BufReader<impl Read>) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let length = usize::from_str_radix(line.trim().split(';').next()?, 16).ok()?;
        let mut chunk = vec![0; length.min(1 << 24)];
        reader.read_exact(&mut chunk).ok()?;
        body.extend(chunk);
        reader.read_line(&mut String::new()).ok()?;
        if length == 0 {
            return Some(body);
        }
    }
}

fn give(writer: &mut impl Write, answer: &Answer, method: &str) -> Option<()> {
    let mut head = format!("HTTP/1.1 {} Answer\r\n", answer.status);
    for (name, value) in &answer.headers {
        head += &format!("{name}: {value}\r\n");
    }
    head += &format!("Content-Length: {}\r\n\r\n", answer.body.len());
    writer.write_all(head.as_bytes()).ok()?;
    if method != "HEAD" {
        writer.write_all(answer.body.as_bytes()).ok()?;
    }
    writer.flush().ok()
}
