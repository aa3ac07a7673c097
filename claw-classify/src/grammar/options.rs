//! Tables of options, in the one format that all of them have.
//!
//! Input: a table with a row `flag COMMAND LONG SHORT TAKES MORE` for each option, tabulators between the fields.
//! The command `*` means all commands, `-` stands for no name and no letter. `TAKES` is a word of [`Takes::named`].
//! `MORE` is what one program's table says besides, and may be missing. Lines that begin with `#` are comments.
//! Rows of other kinds are not options.

/// Whether an option takes a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    /// Never.
    Nothing,
    /// A switch that can be set with `--opt=value`. Its letter takes nothing.
    Switch,
    /// A value only where it is glued on: `--opt=value`, or behind the letter.
    Optional,
    /// Always: the rest of the word, or the next word whatever it looks like.
    Value,
}

impl Takes {
    /// What a word of a table means. A word that is not known takes a value, as most options do; a test finds it.
    fn named(word: &str) -> Self {
        match word {
            "none" => Self::Nothing,
            "switch" => Self::Switch,
            "optional" => Self::Optional,
            _ => Self::Value,
        }
    }
}

/// One option of a table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    /// The command that has it, or `*`.
    pub(crate) command: &'static str,
    /// Its long name; empty if it has none.
    pub(crate) long: &'static str,
    /// What the table has for a letter: one, `-`, or a word that one program's reader knows.
    pub(crate) short: &'static str,
    pub(crate) takes: Takes,
    /// What the table says besides; empty if that is nothing.
    pub(crate) more: &'static str,
}

impl Row {
    /// The row of one line, if that is an option.
    pub(crate) fn of(line: &'static str) -> Option<Self> {
        let mut fields = line.split('\t');
        if fields.next() != Some("flag") {
            return None;
        }
        let (command, long, short) = (fields.next()?, fields.next()?, fields.next()?);
        let takes = Takes::named(fields.next()?);
        let long = if long == "-" { "" } else { long };
        Some(Self { command, long, short, takes, more: fields.next().unwrap_or_default() })
    }

    /// Its letter.
    pub(crate) fn letter(&self) -> Option<u8> {
        match self.short.as_bytes() {
            [b'-'] => None,
            [letter] => Some(*letter),
            _ => None,
        }
    }
}

/// The options of `table`, in its order.
pub(crate) fn rows(table: &'static str) -> impl Iterator<Item = Row> {
    table.lines().filter_map(Row::of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_a_table_is_read() {
        for (name, table) in [
            ("curl", include_str!("../network/curl/options.tsv")),
            ("gh", include_str!("../code/gh/options.tsv")),
            ("git", include_str!("../code/git/options.tsv")),
            ("httpie", include_str!("../network/httpie/options.tsv")),
            ("kubectl", include_str!("../containers/kubectl/options.tsv")),
            ("mysql", include_str!("../databases/mysql/options.tsv")),
            ("wget", include_str!("../network/wget/options.tsv")),
        ] {
            for line in table.lines().filter(|line| !line.starts_with(['#'])) {
                if line.starts_with("command\t") {
                    continue;
                }
                assert!(Row::of(line).is_some(), "{name}: {line}");
                let takes = line.split('\t').nth(4).unwrap_or_default();
                assert!(
                    ["none", "switch", "optional", "value"].contains(&takes),
                    "{name}: no meaning is known of `{takes}`"
                );
            }
        }
    }
}
