//! Reads a policy from disk, and shows people every mistake in it with the lines it is about.

use std::fmt;
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use claw_policy::{Diagnostic, Policy};
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};

/// The policy of the machine, used when a command names none.
pub(crate) const DEFAULT: &str = "/etc/claw/policy.toml";

/// The policy of a session whose user names none, on a machine that has none.
const STARTER: &str = include_str!("../../../policies/starter.toml");

/// The width of a report, in columns.
const WIDTH: usize = 110;

/// Why there is no policy.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PolicyError {
    /// No policy was named, and the machine has none.
    #[error("no policy: there is no `{DEFAULT}`; name one with `--policy FILE`")]
    Missing,
    /// The file cannot be read.
    #[error("cannot read `{}`: {source}; check the path and its permissions", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error from reading it.
        source: io::Error,
    },
    /// The file can be read, but has mistakes.
    #[error(transparent)]
    Wrong(#[from] Mistakes),
}

/// A file and everything that is wrong with it.
#[derive(Debug)]
pub(crate) struct Mistakes {
    path: PathBuf,
    text: String,
    found: Vec<Diagnostic>,
}

impl Mistakes {
    /// The mistakes `found` in `text`, which is the content of `path`.
    pub(crate) fn new(path: &Path, text: String, found: Vec<Diagnostic>) -> Self {
        Self { path: path.to_owned(), text, found }
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.found.len() == 1 { "mistake" } else { "mistakes" };
        write!(f, "`{}` has {} {plural}", self.path.display(), self.found.len())?;
        for diagnostic in &self.found {
            write!(f, "\n{}:{diagnostic}", self.path.display())?;
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}

/// Reads the policy at `path`, or the one of the machine where no path is given.
///
/// # Errors
/// [`PolicyError`]; do not judge anything then.
pub(crate) fn load(path: Option<&Path>) -> Result<Policy, PolicyError> {
    let file = path.unwrap_or(Path::new(DEFAULT));
    let text = match read(file) {
        Err(PolicyError::Unreadable { source, .. })
            if path.is_none() && source.kind() == io::ErrorKind::NotFound =>
        {
            return Err(PolicyError::Missing);
        }
        text => text?,
    };
    claw_policy::parse(&text, &file.to_string_lossy(), &claw_classify::schema())
        .map_err(|found| Mistakes::new(file, text, found).into())
}

/// As [`load`], and the shipped starter policy where there is none to read. The second value says that it was taken.
///
/// # Errors
/// [`PolicyError`].
pub(crate) fn load_or_starter(path: Option<&Path>) -> Result<(Policy, bool), PolicyError> {
    match load(path) {
        Err(PolicyError::Missing) => {
            let name = Path::new("starter.toml (built in)");
            claw_policy::parse(STARTER, &name.to_string_lossy(), &claw_classify::schema())
                .map(|policy| (policy, true))
                .map_err(|found| Mistakes::new(name, STARTER.to_owned(), found).into())
        }
        policy => policy.map(|policy| (policy, false)),
    }
}

/// The text of a policy or of its tests.
///
/// # Errors
/// [`PolicyError::Unreadable`], also if it is not UTF-8.
pub(crate) fn read(path: &Path) -> Result<String, PolicyError> {
    fs::read_to_string(path)
        .map_err(|source| PolicyError::Unreadable { path: path.to_owned(), source })
}

impl PolicyError {
    /// Writes it to stderr, with the lines it is about; in colour only to a terminal.
    pub(crate) fn report(&self) -> io::Result<()> {
        let mut stderr = io::stderr().lock();
        let colour =
            stderr.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|no| no.is_empty());
        self.render(&mut stderr, colour)
    }

    /// Writes it to `out`, in colour and with box drawings or without either.
    pub(crate) fn render(&self, out: &mut impl Write, fancy: bool) -> io::Result<()> {
        let Self::Wrong(mistakes) = self else { return writeln!(out, "claw: {self}") };
        let theme = if fancy { GraphicalTheme::unicode() } else { GraphicalTheme::none() };
        let handler =
            GraphicalReportHandler::new_themed(theme).with_width(WIDTH).with_context_lines(1);
        let source = NamedSource::new(mistakes.path.to_string_lossy(), mistakes.text.clone());
        let mut report = String::new();
        for diagnostic in &mistakes.found {
            handler
                .render_report(&mut report, &Shown { diagnostic, source: &source })
                .map_err(io::Error::other)?;
            report.push('\n');
        }
        let count = mistakes.found.len();
        let plural = if count == 1 { "mistake" } else { "mistakes" };
        write!(out, "{report}")?;
        writeln!(out, "claw: `{}` has {count} {plural}", mistakes.path.display())
    }
}

/// One mistake and the file it is in, as miette shows it.
#[derive(Debug)]
struct Shown<'a> {
    diagnostic: &'a Diagnostic,
    source: &'a NamedSource<String>,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.diagnostic.message)
    }
}

impl std::error::Error for Shown<'_> {}

impl miette::Diagnostic for Shown<'_> {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let help = self.diagnostic.help.as_ref()?;
        Some(Box::new(help))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let Diagnostic { span, label, .. } = self.diagnostic;
        let Range { start, end } = *span;
        let label = LabeledSpan::new_with_span(Some(label.clone()), (start, end - start));
        Some(Box::new(std::iter::once(label)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The report on a policy of this text, without colour.
    fn report(text: &str) -> String {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("p.toml");
        fs::write(&path, text).expect("written");
        let error = load(Some(&path)).expect_err("the policy is wrong");
        let mut out = Vec::new();
        error.render(&mut out, false).expect("rendered");
        let out = String::from_utf8(out).expect("text");
        out.replace(&format!("{}/", folder.path().display()), "")
    }

    #[test]
    fn every_mistake_is_shown_with_its_line_and_a_suggestion() {
        let report = report("version = 1\nmodes = \"observe\"\n[defaults]\nexec = \"denny\"\n");
        assert!(report.contains("`modes` is not a key of a policy"), "{report}");
        assert!(report.contains("[p.toml:2:1]"), "{report}");
        assert!(report.contains("2 | modes = \"observe\""), "{report}");
        assert!(report.contains("did you mean `mode`?"), "{report}");
        assert!(report.contains("[p.toml:4:8]"), "{report}");
        assert!(report.contains("did you mean `deny`?"), "{report}");
        assert!(report.ends_with("claw: `p.toml` has 2 mistakes\n"), "{report}");
        assert!(report.is_ascii(), "{report}");
    }

    #[test]
    fn a_mistake_at_the_end_of_the_file_or_in_an_empty_one_is_shown() {
        assert!(report("").contains("a policy says which `version`"));
        assert!(report("version = 1\nmode =").contains("[p.toml:2:7]"));
    }

    #[test]
    fn a_file_that_is_not_there_is_one_line() {
        let error = load(Some(Path::new("/nowhere/p.toml"))).expect_err("not there");
        let mut out = Vec::new();
        error.render(&mut out, true).expect("rendered");
        assert_eq!(
            String::from_utf8(out).expect("text"),
            "claw: cannot read `/nowhere/p.toml`: No such file or directory (os error 2); check the path and its permissions\n"
        );
    }
}
