//! A text that psql sends, and where its parts stand in what it was read from.

use std::ops::Range;

/// A stretch of the text that stands in the script as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Part {
    /// Where it is in the text.
    at: usize,
    /// Where it is in the script.
    from: usize,
    length: usize,
}

/// A text, gathered part by part. What variables hold stands in no script.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Query {
    text: String,
    parts: Vec<Part>,
}

impl Query {
    /// A text that stands at `from`, whole.
    pub(super) fn whole(text: &str, from: usize) -> Self {
        let mut query = Self::default();
        query.push(text, Some(from));
        query
    }

    /// The text as it is sent.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Adds to the text what stands at `from`, or in no script.
    pub(super) fn push(&mut self, text: &str, from: Option<usize>) {
        let (at, length) = (self.text.len(), text.len());
        self.text.push_str(text);
        let Some(from) = from.filter(|_| length > 0) else { return };
        match self.parts.last_mut() {
            Some(last) if last.at + last.length == at && last.from + last.length == from => {
                last.length += length;
            }
            _ => self.parts.push(Part { at, from, length }),
        }
    }

    /// Notes that the end of the text, which stands in no script, is followed by what stands at `from`.
    pub(super) fn anchor(&mut self, from: usize) {
        self.parts.push(Part { at: self.text.len(), from, length: 0 });
    }

    /// Takes the last character off.
    pub(super) fn pop(&mut self) {
        let Some(last) = self.text.pop() else { return };
        if let Some(part) =
            self.parts.last_mut().filter(|part| part.at + part.length > self.text.len())
        {
            part.length -= last.len_utf8();
        }
        self.parts.retain(|part| part.length > 0);
    }

    /// Whether there is nothing in it but white space and semicolons.
    pub(super) fn is_blank(&self) -> bool {
        self.text.trim_matches(|c: char| c.is_ascii_whitespace() || c == ';').is_empty()
    }

    /// Where a range of the text stands in the script, if all of it stands there in one piece. What is empty
    /// stands at the end of the part before it.
    pub(super) fn place(&self, range: &Range<usize>) -> Option<Range<usize>> {
        let holds = |part: &&Part| part.at <= range.start && range.end <= part.at + part.length;
        let part = self.parts.iter().find(holds)?;
        let from = part.from + (range.start - part.at);
        Some(from..from + range.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_found_again() {
        let mut query = Query::default();
        query.push("SELECT ", Some(10));
        query.push("1", Some(17));
        query.push("'x'", None);
        query.anchor(20);
        query.push(" FROM t", Some(20));
        assert_eq!(query.text(), "SELECT 1'x' FROM t");
        assert_eq!(query.place(&(0..8)), Some(10..18));
        assert_eq!(query.place(&(8..8)), Some(18..18));
        assert_eq!(query.place(&(9..10)), None);
        assert_eq!(query.place(&(7..9)), None);
        assert_eq!(query.place(&(11..11)), Some(20..20));
        assert_eq!(query.place(&(18..18)), Some(27..27));
        query.pop();
        assert_eq!(query.place(&(17..17)), Some(26..26));
        assert_eq!(query.place(&(18..18)), None);
    }
}
