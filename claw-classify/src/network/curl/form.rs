//! What `-F` sends: `NAME=CONTENT`, where content is a text, `@FILE,FILE` or `<FILE`, with parameters.
//!
//! Source: `formparse` in curl's `src/tool_formparse.c`.

/// The files whose content a part of a form is made of, those of its headers included.
pub(super) fn files(part: &str) -> Vec<String> {
    let Some((_, content)) = part.split_once('=') else { return Vec::new() };
    let mut found = Vec::new();
    let (mut rest, list) = match content.as_bytes().first() {
        Some(b'@') => (&content[1..], true),
        Some(b'<') => (&content[1..], false),
        _ => {
            parameters(content, false, &mut found);
            return found;
        }
    };
    loop {
        let (file, after) = word(rest, list);
        found.push(file);
        let after = parameters(after, list, &mut found);
        match after.strip_prefix(',').filter(|_| list) {
            Some(next) => rest = next,
            None => return found,
        }
    }
}

/// The parameters up to the next file; what is left.
fn parameters<'a>(mut rest: &'a str, list: bool, found: &mut Vec<String>) -> &'a str {
    if !rest.starts_with(';') {
        rest = word(rest, list).1;
    }
    while let Some(parameter) = rest.strip_prefix(';') {
        let parameter = parameter.trim_start();
        let headers = parameter
            .get(..8)
            .filter(|name| name.eq_ignore_ascii_case("headers="))
            .map(|name| &parameter[name.len()..])
            .and_then(|value| value.strip_prefix(['@', '<']));
        if let Some(value) = headers {
            let (file, after) = word(value, list);
            found.push(file);
            rest = after;
            continue;
        }
        // The value may be quoted, and what is quoted may hold a separator.
        let start = parameter.find('=').map_or(0, |at| at + 1);
        rest = word(&parameter[start..], list).1;
    }
    rest
}

/// A word up to a separator, and what is left from that on. In quotes, a backslash stands before a quote
/// or a backslash.
fn word(text: &str, list: bool) -> (String, &str) {
    let text = text.trim_start();
    let separates = |char: char| char == ';' || (list && char == ',');
    let plain = || {
        let end = text.find(separates).unwrap_or(text.len());
        (text[..end].to_owned(), &text[end..])
    };
    let Some(quoted) = text.strip_prefix('"') else { return plain() };
    let mut word = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => {
                let rest = &quoted[at + 1..];
                return (word, &rest[rest.find(separates).unwrap_or(rest.len())..]);
            }
            '\\' => match chars.clone().next() {
                Some((_, next @ ('"' | '\\'))) => {
                    chars.next();
                    word.push(next);
                }
                _ => word.push(char),
            },
            char => word.push(char),
        }
    }
    // Without an end, the quote is a letter like any.
    plain()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_a_form() {
        for (part, expected) in [
            ("a=b", ""),
            ("a", ""),
            ("a=@f", "f"),
            ("a=<f,g", "f,g"),
            ("a=@f,g;type=x,h", "f|g|h"),
            ("a=@f;type=text/plain", "f"),
            ("a=@\"f;g\";filename=\"x,y\"", "f;g"),
            ("a=@\"f\\\"g\"", "f\"g"),
            ("a=b;headers=@f", "f"),
            ("a=@f;HEADERS=<\"g h\";type=x", "f|g h"),
            ("a=(;headers=@f", "f"),
            ("=@f", "f"),
            ("a=@\"f", "\"f"),
        ] {
            assert_eq!(files(part).join("|"), expected, "{part}");
        }
    }
}
