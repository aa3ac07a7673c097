//! What the server showed about one text.

/// One text as psql sent it, and what the server made of it.
#[derive(Debug, Clone)]
pub(super) struct Record {
    /// The test it is from.
    pub(super) file: String,
    pub(super) text: Vec<u8>,
    /// `standard_conforming_strings` when it was sent.
    pub(super) literals: bool,
    /// The client encoding when it was sent.
    pub(super) encoding: String,
    /// The command tags, one for each statement that was done.
    pub(super) tags: Vec<String>,
    /// The SQLSTATE of an error.
    pub(super) error: Option<String>,
    /// What changed, where it could be seen.
    pub(super) changes: Changes,
    /// The result of running it where the server refuses to write; `None` if its tag already shows that it is
    /// not a read.
    pub(super) probe: Option<Probe>,
}

/// What changed between two looks at the server.
#[derive(Debug, Clone, Default)]
pub(super) struct Changes {
    /// Names of what changed.
    pub(super) changed: Vec<&'static str>,
    /// Whether both looks could be taken.
    pub(super) seen: bool,
    /// Whether it was the end of the transaction that changed it, not the text.
    pub(super) at_end: bool,
}

impl Changes {
    /// What is looked at, in the order of the columns.
    pub(super) const NAMES: [&'static str; 6] = [
        "a transaction id",
        "advisory locks",
        "prepared statements",
        "cursors",
        "channels",
        "settings",
    ];

    /// Compares two looks.
    pub(super) fn between(before: Option<Vec<String>>, after: Option<Vec<String>>) -> Self {
        let (Some(before), Some(after)) = (before, after) else { return Self::default() };
        let pairs = before.iter().zip(&after).zip(Self::NAMES);
        let changed = pairs.filter(|((one, other), _)| one != other).map(|(_, name)| name);
        Self { changed: changed.collect(), seen: true, at_end: false }
    }
}

/// The result of running a text where the server refuses to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Probe {
    /// It ran.
    Ran,
    /// The server refused it: it writes.
    Refused,
    /// It could not be tried, or failed for another reason.
    Impossible,
}

/// What a text is, by the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Truth {
    /// The server refused it, or it holds no statement: it shows nothing.
    Nothing,
    /// It is not a read, and why.
    NoRead(String),
    /// It reads. The end of its transaction may empty the session's own temporary tables.
    Read,
    /// A read by its tag, but it could not be run where writing is refused.
    Unsettled,
}

impl Record {
    /// What the text is.
    pub(super) fn truth(&self) -> Truth {
        if self.error.is_some() || self.tags.is_empty() {
            return Truth::Nothing;
        }
        if !self.changes.changed.is_empty() && !self.changes.at_end {
            return Truth::NoRead(format!("it changed {}", self.changes.changed.join(", ")));
        }
        match self.probe {
            None => Truth::NoRead(format!("the server says {}", self.tags.join(", "))),
            Some(Probe::Refused) => Truth::NoRead("a READ ONLY transaction refuses it".to_owned()),
            Some(Probe::Ran) => Truth::Read,
            Some(Probe::Impossible) => Truth::Unsettled,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(tags: &[&str], changed: &[&'static str], probe: Option<Probe>) -> Record {
        Record {
            file: String::new(),
            text: Vec::new(),
            literals: true,
            encoding: "UTF8".to_owned(),
            tags: tags.iter().map(|&tag| tag.to_owned()).collect(),
            error: None,
            changes: Changes { changed: changed.to_vec(), seen: true, at_end: false },
            probe,
        }
    }

    #[test]
    fn a_read_is_what_changed_nothing_and_ran_where_writing_is_refused() {
        assert_eq!(record(&["SELECT 1"], &[], Some(Probe::Ran)).truth(), Truth::Read);
        let written = record(&["SELECT 1"], &["a transaction id"], Some(Probe::Ran)).truth();
        assert!(matches!(written, Truth::NoRead(_)));
        let refused = record(&["SELECT 1"], &[], Some(Probe::Refused)).truth();
        assert!(matches!(refused, Truth::NoRead(_)));
        assert!(matches!(record(&["INSERT 0 1"], &[], None).truth(), Truth::NoRead(_)));
        assert_eq!(record(&[], &[], None).truth(), Truth::Nothing);
    }

    #[test]
    fn a_look_that_could_not_be_taken_shows_nothing() {
        let row = || Some(vec!["1".to_owned(), "2".to_owned()]);
        assert!(!Changes::between(None, row()).seen);
        assert!(Changes::between(row(), row()).changed.is_empty());
        let other = Some(vec!["1".to_owned(), "3".to_owned()]);
        assert_eq!(Changes::between(row(), other).changed, ["advisory locks"]);
    }
}
