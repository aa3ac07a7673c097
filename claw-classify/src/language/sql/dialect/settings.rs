//! What a statement of MySQL's may change about how the ones after it are cut: the SQL mode decides whether a backslash
//! escapes and whether `"` quotes a name, and in some character sets a backslash can be the last byte of a character.
//!
//! Sources: "Server SQL Modes" and "Connection Character Sets and Collations" in MySQL's reference manual.

use super::words::Word;

/// Character sets in which no byte below 0x80 is ever part of a longer character.
const PLAIN: &[&str] =
    &["ascii", "auto", "binary", "default", "latin1", "utf8", "utf8mb3", "utf8mb4"];

/// Whether a character set cuts a text as UTF-8 does.
pub(crate) fn is_plain(character_set: &str) -> bool {
    PLAIN.contains(&character_set.to_ascii_lowercase().as_str())
}

/// Whether the statements behind this one may be cut otherwise than it was.
pub(super) fn unsettles(text: &str, piece: &[Word]) -> bool {
    let spelled: Vec<String> = piece
        .iter()
        .map(|word| {
            text[word.place.clone()].trim_matches(['`', '\'', '"', '@']).to_ascii_lowercase()
        })
        .collect();
    let [first, rest @ ..] = &spelled[..] else { return false };
    let names = |word: &str| rest.iter().any(|known| known == word);
    match first.as_str() {
        "set" if names("sql_mode") => true,
        "set" if ["names", "charset", "character"].iter().any(|word| names(word)) => {
            let set = rest.iter().position(|word| matches!(&**word, "names" | "charset" | "set"));
            !set.and_then(|at| rest.get(at + 1)).is_some_and(|set| is_plain(set)) || rest.len() > 3
        }
        "set" => rest
            .iter()
            .any(|word| word.starts_with("character_set_") || word.starts_with("collation_")),
        // What they do is not in the text.
        "call" | "execute" => true,
        _ => false,
    }
}
