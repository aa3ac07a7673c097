//! Which kind of operation a GraphQL document runs.
//!
//! Input: the document and the name of the operation, where one is given. Output: `query`, `mutation`
//! or `subscription`. Only as much of the grammar is read as tells the definitions apart (GraphQL
//! specification, October 2021, sections 2.1 to 2.3); what does not read so is an error.

/// The kind of the operation that a server would run.
///
/// # Errors
/// When the document cannot be read, holds no such operation, or holds several and none is named.
pub(super) fn operation(document: &str, named: Option<&str>) -> Result<&'static str, &'static str> {
    let mut lexer = Lexer { rest: document.strip_prefix('\u{feff}').unwrap_or(document) };
    let mut operations: Vec<(&'static str, Option<&str>)> = Vec::new();
    while let Some(token) = lexer.next()? {
        let kind = match token {
            Token::Punctuator('{') => {
                lexer.block('}')?;
                operations.push(("query", None));
                continue;
            }
            Token::Name("fragment") => None,
            Token::Name("query") => Some("query"),
            Token::Name("mutation") => Some("mutation"),
            Token::Name("subscription") => Some("subscription"),
            _ => return Err("the document holds something other than operations and fragments"),
        };
        let mut name = None;
        let mut first = true;
        loop {
            match lexer.next()?.ok_or("the document ends too early")? {
                Token::Punctuator('{') => break,
                Token::Punctuator('(') => lexer.block(')')?,
                Token::Name(word) if first => name = Some(word),
                _ => {}
            }
            first = false;
        }
        lexer.block('}')?;
        operations.extend(kind.map(|kind| (kind, name)));
    }
    let named = named.filter(|name| !name.is_empty());
    match (named, &operations[..]) {
        (None, [(kind, _)]) => Ok(kind),
        (None, []) => Err("the document holds no operation"),
        (None, _) => Err("the document holds several operations and none is named"),
        (Some(wanted), all) => {
            let mut found = all.iter().filter(|(_, name)| *name == Some(wanted));
            match (found.next(), found.next()) {
                (Some((kind, _)), None) => Ok(kind),
                _ => Err("the document does not hold the named operation exactly once"),
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Punctuator(char),
    Name(&'a str),
    /// A number or a string.
    Literal,
}

struct Lexer<'a> {
    rest: &'a str,
}

impl<'a> Lexer<'a> {
    fn next(&mut self) -> Result<Option<Token<'a>>, &'static str> {
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n', ',', '\u{feff}']);
            match self.rest.strip_prefix('#') {
                Some(comment) => {
                    self.rest = &comment[comment.find(['\n', '\r']).unwrap_or(comment.len())..];
                }
                None => break,
            }
        }
        let Some(first) = self.rest.chars().next() else { return Ok(None) };
        if first == '"' {
            return self.string().map(|()| Some(Token::Literal));
        }
        let word = |text: &str| {
            text.find(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'))
                .unwrap_or(text.len())
        };
        if first.is_ascii_alphabetic() || first == '_' {
            let (name, rest) = self.rest.split_at(word(self.rest));
            self.rest = rest;
            return Ok(Some(Token::Name(name)));
        }
        if first.is_ascii_digit() || first == '-' {
            let end = self.rest[1..]
                .find(|letter: char| !(letter.is_ascii_alphanumeric() || "+-.".contains(letter)))
                .map_or(self.rest.len(), |at| at + 1);
            self.rest = &self.rest[end..];
            return Ok(Some(Token::Literal));
        }
        if let Some(rest) = self.rest.strip_prefix("...") {
            self.rest = rest;
            return Ok(Some(Token::Punctuator('.')));
        }
        if "!$&():=@[]{|}".contains(first) {
            self.rest = &self.rest[1..];
            return Ok(Some(Token::Punctuator(first)));
        }
        Err("the document holds a character that GraphQL does not use")
    }

    fn string(&mut self) -> Result<(), &'static str> {
        const OPEN: &str = "the document holds a string that is not closed";
        if let Some(block) = self.rest.strip_prefix("\"\"\"") {
            let mut rest = block;
            loop {
                let at = rest.find("\"\"\"").ok_or(OPEN)?;
                let escaped = rest[..at].ends_with('\\');
                rest = &rest[at + 3..];
                if !escaped {
                    self.rest = rest;
                    return Ok(());
                }
            }
        }
        let mut letters = self.rest.char_indices().skip(1);
        while let Some((at, letter)) = letters.next() {
            match letter {
                '"' => {
                    self.rest = &self.rest[at + 1..];
                    return Ok(());
                }
                '\\' => {
                    letters.next();
                }
                '\n' | '\r' => return Err(OPEN),
                _ => {}
            }
        }
        Err(OPEN)
    }

    /// Reads up to the bracket that closes the one just read.
    fn block(&mut self, close: char) -> Result<(), &'static str> {
        let mut open = vec![close];
        while let Some(&wanted) = open.last() {
            match self.next()?.ok_or("the document has a bracket that is not closed")? {
                Token::Punctuator('{') => open.push('}'),
                Token::Punctuator('(') => open.push(')'),
                Token::Punctuator('[') => open.push(']'),
                Token::Punctuator(bracket @ ('}' | ')' | ']')) => {
                    if bracket != wanted {
                        return Err("the document has brackets that do not match");
                    }
                    open.pop();
                }
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_operation_that_runs_counts() {
        for (document, named, expected) in [
            ("{ viewer { login } }", None, Ok("query")),
            ("query { viewer { login } }", None, Ok("query")),
            (
                "query Q($n: Int = 5, $s: [String!] = [\"}\"]) @d(a: {b: 1}) { a }",
                None,
                Ok("query"),
            ),
            ("  # query { a }\nmutation { a }", None, Ok("mutation")),
            ("mutation M { a(s: \"query {\") }", None, Ok("mutation")),
            ("fragment F on T { a } query Q { ...F }", None, Ok("query")),
            ("query A { a } mutation B { b }", Some("A"), Ok("query")),
            ("query A { a } mutation B { b }", Some("B"), Ok("mutation")),
            ("query A { a } mutation A { b }", Some("A"), Err(())),
            ("query A { a } mutation B { b }", None, Err(())),
            ("query A { a }", Some("B"), Err(())),
            ("subscription { a }", None, Ok("subscription")),
            ("query { a(s: \"\"\"x \\\"\"\" }\"\"\") } ", None, Ok("query")),
            ("query { a(s: \"x) }", None, Err(())),
            ("query { a", None, Err(())),
            ("query { a ) }", None, Err(())),
            ("type T { a: Int }", None, Err(())),
            ("query { a } ;", None, Err(())),
            ("", None, Err(())),
        ] {
            assert_eq!(operation(document, named).map_err(|_| ()), expected, "{document}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in ".{0,80}", braces in "[{}()\"\\\\# a-z.é]{0,40}") {
            for document in [&text, &braces] {
                if let Ok(kind) = operation(document, None) {
                    prop_assert!(["query", "mutation", "subscription"].contains(&kind));
                }
            }
        }
    }
}
