//! What `programs/witness.c` says of the process it found itself in.

use std::collections::BTreeMap;

use crate::call::Ran;

/// One witness's account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// Its process id.
    pub pid: i64,
    /// Its arguments.
    pub argv: Vec<String>,
    /// Its working directory.
    pub cwd: String,
    /// Its terminal, or `none`.
    pub tty: String,
    /// Its open descriptors and what they lead to, without the numbers of pipes and sockets.
    pub descriptors: BTreeMap<i32, String>,
}

impl Sighting {
    /// The account in what `ran` printed.
    ///
    /// # Panics
    /// When there is none, or more than one.
    #[must_use]
    #[track_caller]
    pub fn of(ran: &Ran) -> Self {
        let out = ran.out();
        let one = |key: &str| {
            let mut values =
                out.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix(' '));
            match (values.next(), values.next()) {
                (Some(value), None) => value.trim_end().to_owned(),
                _ => panic!("no single `{key}`\n{}", ran.story()),
            }
        };
        let numbered = |key: &'static str| {
            out.lines().filter_map(move |line| {
                let (number, value) = line.strip_prefix(key)?.split_once(' ')?;
                Some((number.parse().ok()?, value.trim_end().to_owned()))
            })
        };
        let descriptors = numbered("fd ").map(|(fd, target): (i32, String)| {
            let kind = target.split_once(":[").map_or(target.as_str(), |(kind, _)| kind);
            (fd, kind.to_owned())
        });
        let argv: Vec<_> = numbered("arg ").map(|(_, word): (i32, String)| word).collect();
        assert_eq!(one("argc"), argv.len().to_string(), "{}", ran.story());
        Self {
            pid: one("pid").parse().expect("a process id is a number"),
            argv,
            cwd: one("cwd"),
            tty: one("tty"),
            descriptors: descriptors.collect(),
        }
    }

    /// Everything but the process id: what two runs of one call have in common.
    #[must_use]
    pub fn surroundings(&self) -> (&[String], &str, &str, &BTreeMap<i32, String>) {
        (&self.argv, &self.cwd, &self.tty, &self.descriptors)
    }
}
