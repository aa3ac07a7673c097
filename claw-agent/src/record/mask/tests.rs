use claw_policy::{Set, domain};

use super::super::Level;
use super::*;
use crate::record::Proof;

domain! {
    /// A call that says a secret.
    static DOMAIN: Test = "test", governed: true, sealed: true;

    /// In a word.
    WORD: String = "word";
    /// In one of several words.
    WORDS: Set = "words";
    /// In why a fact is opaque.
    UNREAD: String = "unread";
}

fn masker() -> (tempfile::TempDir, Masker) {
    let folder = tempfile::tempdir().expect("temporary folder");
    let key = Key::of(folder.path(), "a").expect("a key");
    (folder, Masker::new(key))
}

fn argv(words: &[&str]) -> Strings {
    words.iter().map(|word| word.as_bytes()).collect()
}

/// A record of a call that says `hunter2` wherever a record can say something.
fn record(masker: &Masker) -> Record {
    let mut action = claw_policy::Action::new(&DOMAIN, "mysql -phunter2")
        .with(Test::WORD, "hunter2")
        .with(Test::WORDS, Set::from_iter(["a", "xhunter2x"]));
    action.set_opaque(Test::UNREAD, "cannot read `hunter2`");
    action.opaque = Some("because of `hunter2`".to_owned());
    let facts =
        claw_policy::Facts { tool: Some("mysql".into()), disputed: None, actions: vec![action] };
    let exec = entry::Exec {
        path: b"/bin/hunter2".to_vec(),
        argv: Some(argv(&["mysql", "-phunter2"])),
        asked: Some(argv(&["mysql", "--comments", "--password=hunter2"])),
        env: BTreeMap::from([
            ("MYSQL_PWD".to_owned(), Some("a longer secret".to_owned())),
            ("OTHER".to_owned(), Some("has hunter2".to_owned())),
            ("GONE_TOKEN".to_owned(), None),
        ]),
        facts: Some(facts),
        took_ns: None,
    };
    let entry = Entry {
        because: vec!["test.word = hunter2".to_owned()],
        outcome: Some("hunter2 is gone".to_owned()),
        ..Entry::new(What::Exec(Box::new(exec)), Level::Proven, Proof::Ticket, "it says hunter2")
    };
    let settings = Settings {
        folder: "/".into(),
        part_bytes: 1,
        session: "abc".into(),
        labels: vec![("api_token".into(), "hunter2".into()), ("who".into(), "joe".into())],
        for_connections: 0,
    };
    masker.record(&settings, 1, Timestamp::UNIX_EPOCH, entry)
}

#[test]
fn no_field_of_a_record_shows_the_secret() {
    let (_folder, masker) = masker();
    let line = serde_json::to_string(&record(&masker)).expect("JSON");
    assert!(!line.contains("hunter2"), "{line}");
    assert!(!line.contains("a longer secret"), "{line}");
    let shown = format!("{MASKED}{}›", masker.key.digest(b"hunter2"));
    assert_eq!(line.matches(&shown).count(), 13, "{line}");
    assert!(
        line.contains(&format!("{MASKED}15:{}›", masker.key.digest(b"a longer secret"))),
        "{line}"
    );
    assert!(line.contains("\"who\":\"joe\""), "{line}");
}

#[test]
fn an_entry_does_not_print() {
    let exec = entry::Exec { argv: Some(argv(&["mysql", "-phunter2"])), ..entry::Exec::default() };
    let what = What::Exec(Box::new(exec));
    let entry = Entry::new(what, Level::Held, Proof::Stop, "hunter2");
    assert_eq!(format!("{entry:?}"), "Entry(exec)");
}

#[test]
fn a_text_that_was_plain_once_is_looked_through_for_what_another_call_holds() {
    let (_folder, masker) = masker();
    let call = |words: &[&str]| of_argv(&words.iter().map(|word| word.as_bytes()).collect());
    let (silent, tells) = (call(&["true"]), call(&["mysql", "-phunter2"]));
    for _ in 0..2 {
        assert_eq!(masker.text(&silent, "it says hunter2"), "it says hunter2");
        let shown = masker.text(&tells, "it says hunter2");
        assert!(shown.starts_with("it says ‹secret:"), "{shown}");
        assert_ne!(masker.text(&silent, "postgres://u:pw@h/d"), "postgres://u:pw@h/d");
    }
}
