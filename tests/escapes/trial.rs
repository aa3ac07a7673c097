//! One attempt, run: without claw, and under claw with what is allowed and with what is forbidden.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use claw_tests::call::{Call, Ran};
use claw_tests::record::Record;
use claw_tests::tracee::{Linkage, copy_program, program};
use claw_tests::{postgres, record};

use crate::attempt::{Attempt, Goal, Level};
use crate::cell::{Cell, agent, cell};
use crate::services::{PORT, Side};

/// A try that takes longer than this hangs. Generous: it bounds a hang and measures nothing.
const LIMIT: &str = "20";

/// How long a run's daemons may go on after it.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long the servers have to read what has arrived.
const HEARING: Duration = Duration::from_millis(300);

/// Runs the tries named after it, each in its directory and with its variables.
const SESSION: &str = r#"#!/bin/sh
for try in "$@"; do (
	. "./$try.env"
	cd "$try" && exec timeout --kill-after=1 "$LIMIT" sh ../try.sh >../"$try.out" 2>&1 </dev/null
) done
"#;

/// An attempt in its theme.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trial<'a> {
    /// The number of its theme.
    pub(crate) theme: u32,
    /// Its number in the theme.
    pub(crate) number: usize,
    /// What is tried.
    pub(crate) attempt: &'a Attempt,
}

/// The result of one run: whether the allowed and the forbidden effect occurred.
#[derive(Debug)]
pub(crate) struct Came {
    /// What the policy allows.
    pub(crate) honest: bool,
    /// What it forbids.
    pub(crate) forbidden: bool,
    /// Everything there is to say, for a failure.
    pub(crate) story: String,
}

impl Trial<'_> {
    /// Without claw: the forbidden try alone.
    pub(crate) fn bare(self) -> Came {
        self.perform("bare", &["forbidden"], None)
    }

    /// Under claw.
    pub(crate) fn guarded(self, level: Level) -> Came {
        self.perform(level.name(), &["honest", "forbidden"], Some(level))
    }

    /// Which programs it needs and this machine lacks.
    pub(crate) fn lacks(self) -> Vec<&'static str> {
        let found = |name: &str| {
            search_path(Path::new("/nowhere"))
                .split(':')
                .any(|at| Path::new(at).join(name).exists())
        };
        self.attempt.needs.iter().copied().filter(|name| !found(name)).collect()
    }

    fn perform(self, run: &str, tries: &[&str], level: Option<Level>) -> Came {
        let cell = cell();
        let name = format!("t{}_{}_{run}", self.theme, self.number);
        let room = cell.folder().join("rooms").join(&name);
        self.furnish(cell, &room, &name, tries);
        let (mut argv, group) = cell.enter(&name);
        if let Some(before) = self.attempt.before {
            argv.extend(["/bin/sh", "-c", before, "before"].map(str::to_owned));
        }
        let audit = cell.folder().join("audit").join(&name);
        if level == Some(Level::Held) {
            fs::create_dir(&audit).expect("a new directory");
            let id = agent(self.theme);
            chown(&audit, Some(id), Some(id)).expect("root gives files away");
        }
        match level {
            None => argv.extend(self.as_agent()),
            Some(level) => {
                let (before, after) = match level {
                    Level::Proven => (Vec::new(), self.as_agent()),
                    Level::Held => (self.as_agent(), Vec::new()),
                };
                argv.extend(before);
                argv.extend(guard(cell, level, &audit));
                argv.extend(after);
            }
        }
        let session =
            ["/usr/bin/env", "-i", "/bin/sh", "-c", "cd \"$0\" && exec sh ./session.sh \"$@\""];
        argv.extend(session.map(str::to_owned));
        argv.push(room.display().to_string());
        argv.extend(tries.iter().map(|&try_| try_.to_owned()));
        let mut ran = Call::new(argv).cwd("/").bare();
        group.settle(PATIENCE);
        if let Some(level) = level {
            ran.records = record::records(&audit);
            let is_at = |record: &Record| record.level() == level.name();
            assert!(ran.records.iter().all(is_at), "not at `{}`\n{}", level.name(), ran.story());
        }
        self.look(cell, &room, &name, tries, &ran)
    }

    /// `setpriv` to the theme's user, without rights but those the attempt asks for.
    fn as_agent(self) -> Vec<String> {
        let id = agent(self.theme);
        let mut words = vec![
            "/usr/bin/setpriv".to_owned(),
            format!("--reuid={id}"),
            format!("--regid={id}"),
            "--clear-groups".to_owned(),
        ];
        if let Some(capability) = self.attempt.capability {
            words.push(format!("--inh-caps=-all,+{capability}"));
            words.push(format!("--ambient-caps=-all,+{capability}"));
        }
        words
    }

    /// Prepares the room: the text, a directory and the variables of each try, and its targets.
    fn furnish(self, cell: &Cell, room: &Path, name: &str, tries: &[&str]) {
        let id = agent(self.theme);
        let own = |path: &Path| chown(path, Some(id), Some(id)).expect("root gives files away");
        fs::create_dir(room).expect("a new directory");
        own(room);
        fs::write(room.join("session.sh"), SESSION).expect("the room is ours");
        fs::write(room.join("try.sh"), self.attempt.how).expect("the room is ours");
        let mut tables = String::new();
        for &try_ in tries {
            let folder = room.join(try_);
            fs::create_dir(&folder).expect("a new directory");
            own(&folder);
            let token = format!("{name}_{try_}");
            tables += &format!("CREATE TABLE {token} ();");
            let variables = self.variables(cell, &folder, &token, try_ == "honest");
            fs::write(room.join(format!("{try_}.env")), variables).expect("the room is ours");
        }
        cell.ask(&tables);
        for &source in self.attempt.programs {
            let place = cell.folder().join("bin").join(source);
            if !place.exists() {
                let unfinished = room.join(source);
                copy_program(program(source, Linkage::Dynamic), &unfinished);
                fs::set_permissions(&unfinished, PermissionsExt::from_mode(0o755)).expect("ours");
                fs::rename(&unfinished, &place).expect("a rename inside one file system");
            }
        }
    }

    fn variables(self, cell: &Cell, folder: &Path, token: &str, honest: bool) -> String {
        let side = if honest { Side::Open } else { Side::Closed };
        let database = if self.attempt.goal == Goal::Database { side } else { Side::Open };
        let statement = if honest {
            format!("INSERT INTO {token} DEFAULT VALUES")
        } else {
            format!("DROP TABLE {token}")
        };
        let at = |what: &str| cell.folder().join(what).display().to_string();
        let set = [
            ("LIMIT", LIMIT.to_owned()),
            ("PATH", search_path(cell.folder())),
            ("HOME", folder.display().to_string()),
            ("LANG", "C.UTF-8".to_owned()),
            ("PGHOST", database.v4()),
            ("PGUSER", "claw".to_owned()),
            ("PGDATABASE", "postgres".to_owned()),
            ("SQL", statement),
            ("TOKEN", token.to_owned()),
            ("TO", side.v4()),
            ("TO6", side.v6()),
            ("LINK6", format!("{}%lo", side.link())),
            ("PORT", PORT.to_string()),
            ("SOCKET", at(&format!("{}.sock", side.name()))),
            ("DATAGRAMS", at(&format!("{}.dgram", side.name()))),
            ("ABSTRACT", side.abstract_name()),
            ("PGSOCKETS", at(&format!("pg/{}", side.name()))),
            ("BIN", at("bin")),
        ];
        set.map(|(name, value)| format!("export {name}='{value}'\n")).concat()
    }

    /// Looks at what came about.
    fn look(self, cell: &Cell, room: &Path, name: &str, tries: &[&str], ran: &Ran) -> Came {
        let token = |try_: &str| format!("{name}_{try_}");
        let has_honest = tries.contains(&"honest");
        let (honest, forbidden) = match self.attempt.goal {
            Goal::Reach => (
                has_honest && cell.heard().hears(Side::Open, &token("honest"), HEARING),
                cell.heard().hears(Side::Closed, &token("forbidden"), HEARING),
            ),
            Goal::Run | Goal::Database => {
                let gone = format!("SELECT to_regclass('{}') IS NULL", token("forbidden"));
                let row = format!("SELECT EXISTS (SELECT FROM {})", token("honest"));
                (has_honest && cell.ask(&row) == "t", cell.ask(&gone) == "t")
            }
        };
        let mut story = format!("status: {}\nstderr: {}\n", ran.status, ran.err());
        for record in ran.records.iter().filter(|record| record.verdict() != "allow") {
            let field = |name| record.field(name);
            let (kind, argv, reason) = (record.kind(), record.asked(), record.reason());
            story += &format!("{kind} {} {argv:?} {}: {reason}\n", record.verdict(), field("to"));
        }
        for try_ in tries {
            let said = fs::read(room.join(format!("{try_}.out"))).unwrap_or_default();
            story += &format!("{try_} said: {}\n", String::from_utf8_lossy(&said).trim_end());
        }
        Came { honest, forbidden, story }
    }
}

/// The command-line prefix that runs a command under claw at exactly this level.
fn guard(cell: &Cell, level: Level, audit: &Path) -> Vec<String> {
    let at = |what: &str| cell.folder().join(what).display().to_string();
    let mut words = vec![at("bin/claw"), "run".to_owned()];
    words.extend(["--policy".to_owned(), at("policy.toml")]);
    words.extend(["--require".to_owned(), level.name().to_owned()]);
    words.extend(["--audit".to_owned(), audit.display().to_string(), "--".to_owned()]);
    words
}

/// The real programs of PostgreSQL, the C programs of the attempts, and Debian's own places.
fn search_path(folder: &Path) -> String {
    let psql: PathBuf = postgres::real_psql();
    let programs = psql.parent().expect("a program lies in a directory").display();
    format!(
        "{programs}:{}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        folder.display()
    )
}
