//! Patterns over names: `*` for any run of characters, `?` for one, a backslash before either for
//! the character itself.
//!
//! Matching never backtracks past the last `*`, so its cost is at most the length of the pattern
//! times the length of the name. Patterns are case-sensitive and match the whole name.

use std::fmt;

/// One piece of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    /// This character.
    Char(char),
    /// `?`: any one character.
    One,
    /// `*`: any number of characters.
    Run,
}

/// A name with wildcards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern {
    /// As the policy spells it.
    text: String,
    tokens: Vec<Token>,
}

impl Pattern {
    /// Reads a pattern. Every text is a pattern. A backslash stands for itself unless `*`, `?` or another
    /// backslash follows.
    #[must_use]
    pub(crate) fn new(text: &str) -> Self {
        let mut tokens = Vec::with_capacity(text.len());
        let mut chars = text.chars().peekable();
        while let Some(char) = chars.next() {
            let token = match char {
                '*' => Token::Run,
                '?' => Token::One,
                '\\' => Token::Char(
                    chars.next_if(|next| matches!(next, '*' | '?' | '\\')).unwrap_or('\\'),
                ),
                char => Token::Char(char),
            };
            if token != Token::Run || tokens.last() != Some(&Token::Run) {
                tokens.push(token);
            }
        }
        Self { text: text.to_owned(), tokens }
    }

    /// Whether the whole of `name` matches.
    #[must_use]
    pub(crate) fn matches(&self, name: &str) -> bool {
        let mut rest = name.chars();
        let mut at = 0;
        // The last `*` seen: the pattern after it, and the part of the name that it has not consumed.
        let mut run: Option<(usize, std::str::Chars<'_>)> = None;
        loop {
            let before = rest.clone();
            match (self.tokens.get(at), rest.next()) {
                (None, None) => return true,
                (Some(Token::Run), _) => {
                    at += 1;
                    rest = before.clone();
                    run = Some((at, before));
                }
                (Some(Token::One), Some(_)) => at += 1,
                (Some(Token::Char(want)), Some(char)) if *want == char => at += 1,
                _ => {
                    let Some((after, swallowed)) = &mut run else { return false };
                    if swallowed.next().is_none() {
                        return false;
                    }
                    at = *after;
                    rest = swallowed.clone();
                }
            }
        }
    }

    /// The one name this pattern stands for, or `None` if it has a wildcard.
    #[must_use]
    pub(crate) fn literal(&self) -> Option<String> {
        self.tokens
            .iter()
            .map(|token| match token {
                Token::Char(char) => Some(*char),
                Token::One | Token::Run => None,
            })
            .collect()
    }
}

impl Pattern {
    /// The folder that contains every match, if the pattern starts with one: `/run` for `/run/x*`.
    #[must_use]
    pub(crate) fn folder(&self) -> Option<String> {
        let folder: String = self.tokens[..self.slash()?]
            .iter()
            .filter_map(|token| match token {
                Token::Char(char) => Some(*char),
                Token::One | Token::Run => None,
            })
            .collect();
        (self.tokens[0] == Token::Char('/') && !folder.is_empty()).then_some(folder)
    }

    /// The same pattern with that folder replaced by `folder`.
    #[must_use]
    pub(crate) fn in_folder(&self, folder: &str) -> Option<Self> {
        let folder = folder.trim_end_matches('/').chars().map(Token::Char);
        let tokens = folder.chain(self.tokens[self.slash()?..].iter().copied()).collect();
        Some(Self { text: self.text.clone(), tokens })
    }

    /// The position of the last slash before the first wildcard.
    fn slash(&self) -> Option<usize> {
        let certain = self.tokens.iter().take_while(|token| matches!(token, Token::Char(_)));
        self.tokens[..certain.count()].iter().rposition(|token| *token == Token::Char('/'))
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Pattern;

    fn matches(pattern: &str, name: &str) -> bool {
        Pattern::new(pattern).matches(name)
    }

    #[test]
    fn wildcards_match_runs_and_single_characters() {
        assert!(matches("scratch.*", "scratch.t"));
        assert!(matches("scratch.*", "scratch."));
        assert!(!matches("scratch.*", "scratch"));
        assert!(!matches("scratch.*", "public.scratch.t"));
        assert!(matches("*", ""));
        assert!(matches("a*b*c", "a-b-b-c"));
        assert!(!matches("a*b*c", "a-b-b"));
        assert!(matches("?", "é"));
        assert!(!matches("?", ""));
        assert!(!matches("a", "A"));
        assert!(matches("", ""));
        assert!(!matches("", "a"));
    }

    #[test]
    fn a_backslash_makes_a_wildcard_literal_and_is_itself_elsewhere() {
        assert!(matches(r"a\*", "a*"));
        assert!(!matches(r"a\*", "ab"));
        assert!(matches(r"\?", "?"));
        assert!(!matches(r"\?", "x"));
        assert!(matches(r"\\", r"\"));
        assert!(matches(r"\d*", r"\dt+"));
        assert!(matches("a\\", "a\\"));
        assert_eq!(Pattern::new(r"a\*").literal().as_deref(), Some("a*"));
        assert_eq!(Pattern::new("a*").literal(), None);
    }

    #[test]
    fn many_runs_over_a_long_name_do_not_blow_up() {
        // With exponential backtracking this would not end.
        let pattern = "a*".repeat(200) + "b";
        assert!(!matches(&pattern, &"a".repeat(20_000)));
    }

    /// The definition of a match, by recursion, for short inputs.
    fn slow(pattern: &[char], name: &[char]) -> bool {
        match pattern.split_first() {
            None => name.is_empty(),
            Some(('*', rest)) => (0..=name.len()).any(|skip| slow(rest, &name[skip..])),
            Some((want, rest)) => name
                .split_first()
                .is_some_and(|(have, tail)| (*want == '?' || want == have) && slow(rest, tail)),
        }
    }

    proptest! {
        #[test]
        fn equals_the_definition(pattern in "[ab*?]{0,8}", name in "[ab]{0,8}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(matches(&pattern, &name), slow(&chars(&pattern), &chars(&name)));
        }
    }
}
