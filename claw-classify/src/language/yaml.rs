//! YAML and JSON documents, as far as all readers agree on them.
//!
//! Go programs read YAML 1.1 by go-yaml, and this reads YAML 1.2 by a library. Whatever the two can
//! read differently is refused: tags, aliases, merge keys, directives, a key twice, line breaks of
//! YAML 1.1 alone.

use saphyr_parser::{Event, Parser, ScalarStyle};

/// The documents of a text.
///
/// # Errors
/// Why it is not read, as the end of a sentence.
pub(crate) fn documents(content: &[u8]) -> Result<Vec<Node>, &'static str> {
    let text = str::from_utf8(content).map_err(|_| "is not UTF-8")?;
    let odd = |c: char| "\0\u{85}\u{2028}\u{2029}\u{feff}".contains(c);
    if text.contains(odd) || text.lines().any(|line| line.starts_with('%')) {
        return Err("is written in a way that is not read");
    }
    let mut events = Events(Parser::new_from_str(text));
    let mut documents = Vec::new();
    loop {
        match events.next()? {
            Event::StreamEnd => return Ok(documents),
            Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd => {}
            event => documents.push(events.node(event, 0)?),
        }
    }
}

/// A document that nests deeper than this is not read.
const DEEPEST: usize = 100;

/// A value, with no more detail than is needed here.
#[derive(Debug)]
pub(crate) enum Node {
    /// One word or text.
    Scalar {
        /// It.
        text: String,
        /// Whether it stands for nothing.
        null: bool,
    },
    /// Values in a row.
    List(Vec<Node>),
    /// Values by their keys.
    Map(Vec<(String, Node)>),
}

struct Events<'t>(Parser<'t, saphyr_parser::StrInput<'t>>);

impl<'t> Events<'t> {
    fn next(&mut self) -> Result<Event<'t>, &'static str> {
        match self.0.next_event() {
            Some(Ok((event, _))) => Ok(event),
            Some(Err(_)) => Err("is no YAML that is read"),
            None => Ok(Event::StreamEnd),
        }
    }

    /// The value that `first` begins.
    fn node(&mut self, first: Event<'t>, depth: usize) -> Result<Node, &'static str> {
        if depth > DEEPEST {
            return Err("is too deep");
        }
        match first {
            Event::Scalar(text, style, _, None) => Ok(Node::Scalar {
                null: style == ScalarStyle::Plain
                    && matches!(&*text, "" | "~" | "null" | "Null" | "NULL"),
                text: text.into_owned(),
            }),
            Event::SequenceStart(_, None) => {
                let mut list = Vec::new();
                loop {
                    match self.next()? {
                        Event::SequenceEnd => return Ok(Node::List(list)),
                        event => list.push(self.node(event, depth + 1)?),
                    }
                }
            }
            Event::MappingStart(_, None) => {
                let mut map: Vec<(String, Node)> = Vec::new();
                loop {
                    let key = match self.next()? {
                        Event::MappingEnd => return Ok(Node::Map(map)),
                        Event::Scalar(key, _, _, None) if key != "<<" => key.into_owned(),
                        _ => return Err("has a key that is no plain word"),
                    };
                    if map.iter().any(|(known, _)| *known == key) {
                        return Err("has a key twice");
                    }
                    let event = self.next()?;
                    map.push((key, self.node(event, depth + 1)?));
                }
            }
            _ => Err("has a tag or an alias"),
        }
    }
}

/// The value of a key.
pub(crate) fn value<'n>(map: &'n [(String, Node)], name: &str) -> Option<&'n Node> {
    map.iter().find(|(known, _)| known == name).map(|(_, value)| value)
}
