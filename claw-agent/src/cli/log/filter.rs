//! Which records `claw log` shows.

use std::collections::HashMap;

use claw_policy::Verdict;
use jiff::{SignedDuration, Timestamp};

use crate::record::{Kind, Record};

/// What a record has to be; everything that is asked has to hold.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Filter {
    /// Only this session
    #[arg(long, value_name = "ID")]
    session: Option<String>,

    /// Only what was denied, killed or refused
    #[arg(long)]
    denied: bool,

    /// Only from this time on: `2026-05-01T12:00:00Z`, or how long ago, as `90s`, `10m`, `2h` or `1d`
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Timestamp>,

    /// Only records that carry this label. May be given several times
    #[arg(long = "label", value_name = "K=V", value_parser = label)]
    labels: Vec<(String, String)>,

    /// Only what this program did: its base name. A connection is that of the program which its process ran last
    #[arg(long, value_name = "NAME")]
    program: Option<String>,
}

impl Filter {
    /// Whether it asks for anything.
    pub(super) fn asks(&self) -> bool {
        let Self { session, denied, since, labels, program } = self;
        session.is_some() || *denied || since.is_some() || !labels.is_empty() || program.is_some()
    }

    /// Whether it lets a record through. `program` is the record's.
    pub(super) fn lets(&self, record: &Record, program: Option<&str>) -> bool {
        let is_denied = match record.kind {
            Kind::Killed | Kind::Refused | Kind::Tamper => true,
            Kind::Start { .. }
            | Kind::Exec(_)
            | Kind::Connect { .. }
            | Kind::Lost { .. }
            | Kind::End => record.verdict.is_some_and(Verdict::is_denied),
        };
        let has = |(key, value): &(String, String)| record.labels.get(key) == Some(value);
        self.session.as_ref().is_none_or(|session| record.session == *session)
            && (!self.denied || is_denied)
            && self.since.is_none_or(|since| record.time >= since)
            && self.labels.iter().all(has)
            && self.program.as_deref().is_none_or(|name| program == Some(name))
    }
}

/// The programs of records, read in their order.
#[derive(Debug, Default)]
pub(super) struct Programs(HashMap<(String, i32), String>);

impl Programs {
    /// The base name of the program that a record is about: the one that is called, or the one that the process ran
    /// last. None if no record tells.
    pub(super) fn of(&mut self, record: &Record) -> Option<String> {
        let process = (record.session.clone(), record.pid?);
        let Kind::Exec(exec) = &record.kind else { return self.0.get(&process).cloned() };
        let called = exec.path.as_ref().or_else(|| exec.argv.as_ref()?.first())?;
        let name = called.rsplit('/').next().unwrap_or(called).to_owned();
        // What was denied never became the process's program.
        if record.verdict.is_none_or(Verdict::runs) {
            self.0.insert(process, name.clone());
        }
        Some(name)
    }
}

fn label(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write `KEY=VALUE`")?;
    Ok((key.to_owned(), value.to_owned()))
}

fn time(text: &str) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse() {
        return Ok(time);
    }
    // A day has 24 hours here: a time, and no date, is what is asked for.
    let ago = match text.strip_suffix('d').map(str::parse) {
        Some(Ok(days)) => SignedDuration::from_hours(24 * i64::from(u32::min(days, 100_000))),
        Some(Err(_)) | None => text.parse::<SignedDuration>().map_err(|_| {
            "write a time as `2026-05-01T12:00:00Z`, or how long ago as `10m`".to_owned()
        })?,
    };
    Timestamp::now().checked_sub(ago.abs()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_both_ways() {
        assert_eq!(time("2026-05-01T12:00:00Z"), Ok("2026-05-01T12:00:00Z".parse().expect("one")));
        let now = Timestamp::now();
        for (text, seconds) in [("90s", 90), ("10m", 600), ("2h", 7200), ("1d", 86400)] {
            let ago = now.duration_since(time(text).expect(text)).as_secs();
            assert!((seconds - 5..=seconds + 5).contains(&ago), "{text}: {ago}");
        }
        assert_eq!(
            time("yesterday"),
            Err("write a time as `2026-05-01T12:00:00Z`, or how long ago as `10m`".to_owned())
        );
    }
}
