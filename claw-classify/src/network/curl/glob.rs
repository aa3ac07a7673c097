//! curl's URL globs: `{a,b}`, `[1-9]`, `[001-100:10]` and `[a-z]`.
//!
//! What makes more than 64 URLs is opaque; a longer range after the host is left as it is, since its letters
//! and digits cannot end a host, and then the path is not known.

/// The most URLs one glob may make.
const LIMIT: usize = 64;

/// What a glob stands for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Expanded {
    /// The URLs.
    pub(super) urls: Vec<String>,
    /// Whether ranges were left in their paths.
    pub(super) ranges: bool,
}

/// Every URL that a glob stands for.
///
/// # Errors
/// What makes it unclear.
pub(super) fn expand(url: &str) -> Result<Expanded, String> {
    if !url.contains(['{', '}', '[', ']']) {
        return Ok(Expanded { urls: vec![url.to_owned()], ranges: false });
    }
    if url.contains('\\') {
        return Err("the URL's glob has backslashes".to_owned());
    }
    let (mut urls, mut ranges) = (vec![String::new()], false);
    let mut rest = url;
    while let Some(open) = rest.find(['{', '[']) {
        let (before, after) = rest.split_at(open);
        if before.contains(['}', ']']) {
            return Err("the URL's glob has no beginning".to_owned());
        }
        let close = if after.starts_with('{') { '}' } else { ']' };
        let (inner, after_it) = after[1..].split_once(close).ok_or("the URL's glob has no end")?;
        if inner.contains(['{', '[']) {
            return Err("the URL's globs are nested".to_owned());
        }
        let in_path = urls.iter().all(|url| has_path(&format!("{url}{before}")));
        let elements = if close == '}' {
            inner.split(',').map(str::to_owned).collect()
        } else if !in_path && inner.parse::<std::net::Ipv6Addr>().is_ok() {
            vec![format!("[{inner}]")]
        } else {
            range(inner)?
        };
        let many = urls.len() * elements.len() > LIMIT;
        if many && !(in_path && close == ']') {
            return Err(format!("the URL's glob makes more than {LIMIT} URLs"));
        }
        ranges |= many;
        let elements = if many { vec![format!("[{inner}]")] } else { elements };
        urls = urls
            .iter()
            .flat_map(|url| elements.iter().map(move |element| format!("{url}{before}{element}")))
            .collect();
        rest = after_it;
    }
    if rest.contains(['}', ']']) {
        return Err("the URL's glob has no beginning".to_owned());
    }
    for url in &mut urls {
        url.push_str(rest);
    }
    Ok(Expanded { urls, ranges })
}

/// Whether the host has ended.
fn has_path(url: &str) -> bool {
    let start = url.find("://").map_or(0, |at| at + 3);
    url[start..].contains(['/', '?', '#'])
}

/// `1-9`, `001-100:10`, `a-z:2`.
fn range(text: &str) -> Result<Vec<String>, String> {
    let odd = || format!("`[{text}]` is no range of curl's");
    let (from, rest) = text.split_once('-').ok_or_else(odd)?;
    let (to, step) = rest.split_once(':').unwrap_or((rest, "1"));
    let step: usize = step.parse().ok().filter(|step| *step > 0).ok_or_else(odd)?;
    if let ([from], [to]) = (from.as_bytes(), to.as_bytes())
        && from.is_ascii_alphabetic()
        && to.is_ascii_alphabetic()
    {
        let letters = (*from..=*to).step_by(step).map(|letter| char::from(letter).to_string());
        return some(letters.collect()).ok_or_else(odd);
    }
    let digits = |number: &str| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    let (first, last) = match (digits(from) && digits(to), from.parse::<u64>(), to.parse::<u64>()) {
        (true, Ok(first), Ok(last)) => (first, last),
        _ => return Err(odd()),
    };
    let width = if from.starts_with('0') { from.len() } else { 0 };
    // One more than may be made is enough to see that they are too many.
    let numbers = (first..=last).step_by(step).take(LIMIT + 1);
    some(numbers.map(|number| format!("{number:0width$}")).collect()).ok_or_else(odd)
}

fn some(elements: Vec<String>) -> Option<Vec<String>> {
    (!elements.is_empty()).then_some(elements)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs() {
        let urls =
            |url: &str| expand(url).map_or_else(|_| "!".to_owned(), |found| found.urls.join(" "));
        for (url, expected) in [
            ("http://h/a", "http://h/a"),
            ("http://{a,b}/x", "http://a/x http://b/x"),
            ("http://{a/x,b/y}", "http://a/x http://b/y"),
            ("http://h/{1,2}/{3,4}", "http://h/1/3 http://h/1/4 http://h/2/3 http://h/2/4"),
            ("http://h/[1-3]", "http://h/1 http://h/2 http://h/3"),
            ("http://h/[08-10]", "http://h/08 http://h/09 http://h/10"),
            ("http://h/[0-10:5]", "http://h/0 http://h/5 http://h/10"),
            (
                "http://h/[a-c]{1,2}",
                "http://h/a1 http://h/a2 http://h/b1 http://h/b2 http://h/c1 http://h/c2",
            ),
            ("http://h/[1-9999]", "http://h/[1-9999]"),
            ("http://h/[x]", "!"),
            ("http://[::1]/", "http://[::1]/"),
            ("http://h[1-2]/", "http://h1/ http://h2/"),
            ("http://h[1-9999]/", "!"),
            ("http://h/{a", "!"),
            ("http://h/a}", "!"),
            ("{http,https}://h/", "http://h/ https://h/"),
        ] {
            assert_eq!(urls(url), expected, "{url}");
        }
        assert!(expand("http://h/[1-9999]").unwrap().ranges);
    }
}
