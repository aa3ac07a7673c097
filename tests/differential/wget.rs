//! wget, against servers on loopback.

use crate::account;
use crate::line;
use crate::place;
use crate::transfer::Web;

const FILES: &[(&str, &str)] = &[
    ("body.txt", "MARK(body.txt)"),
    ("secret.txt", "MARK(secret.txt)"),
    ("list.txt", "http://@A@/one\nhttp://@A@/two\n"),
    ("rc", "post_data = x=y\n"),
];

#[test]
fn wget_is_read_as_it_reads_itself() {
    let lines = line::read(include_str!("lines/wget.txt"));
    let version = place::version("wget", &["--version"]);
    account::settle("wget", &version, &lines, Web::new, |web, line| web.settle(line, FILES));
}
