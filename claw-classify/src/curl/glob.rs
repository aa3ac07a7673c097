//! curl's URL globs: `{a,b}` and `[1-9]`.
//!
//! Sets are expanded, since an element can be a whole host; a range after the host is left as it is,
//! since its letters and digits cannot end a host.

/// The most URLs one glob may make.
const LIMIT: usize = 64;

/// Every URL that a glob stands for.
///
/// # Errors
/// What makes it unclear.
pub(super) fn expand(url: &str) -> Result<Vec<String>, String> {
    if !url.contains(['{', '}', '[', ']']) {
        return Ok(vec![url.to_owned()]);
    }
    if url.contains('\\') {
        return Err("the URL's glob has backslashes".to_owned());
    }
    let mut urls = vec![String::new()];
    let mut rest = url;
    while let Some(open) = rest.find('{') {
        let (before, after) = rest.split_at(open);
        let (set, after) = after[1..].split_once('}').ok_or("the URL's glob has no end")?;
        if set.contains('{') || before.contains('}') {
            return Err("the URL's globs are nested".to_owned());
        }
        let elements: Vec<&str> = set.split(',').collect();
        if urls.len() * elements.len() > LIMIT {
            return Err(format!("the URL's glob makes more than {LIMIT} URLs"));
        }
        urls = urls
            .iter()
            .flat_map(|url| elements.iter().map(move |element| format!("{url}{before}{element}")))
            .collect();
        rest = after;
    }
    if rest.contains('}') {
        return Err("the URL's glob has no beginning".to_owned());
    }
    for url in &mut urls {
        url.push_str(rest);
        let start = url.find("://").map_or(0, |at| at + 3);
        let end = url[start..].find(['/', '?', '#']).map_or(url.len(), |at| start + at);
        let host = url[start..end].rsplit('@').next().unwrap_or_default();
        let range = url[..end].contains('[') && !host.starts_with('[');
        if range || url[..start].contains('[') {
            return Err("the URL's host is a range".to_owned());
        }
    }
    Ok(urls)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs() {
        let urls = |url: &str| expand(url).map_or_else(|_| "!".to_owned(), |urls| urls.join(" "));
        for (url, expected) in [
            ("http://h/a", "http://h/a"),
            ("http://{a,b}/x", "http://a/x http://b/x"),
            ("http://{a/x,b/y}", "http://a/x http://b/y"),
            ("http://h/{1,2}/{3,4}", "http://h/1/3 http://h/1/4 http://h/2/3 http://h/2/4"),
            ("http://h/[1-9]", "http://h/[1-9]"),
            ("http://[::1]/", "http://[::1]/"),
            ("http://h[1-9]/", "!"),
            ("http://h/{a", "!"),
            ("http://h/a}", "!"),
            ("{http,https}://h/", "http://h/ https://h/"),
        ] {
            assert_eq!(urls(url), expected, "{url}");
        }
    }
}
