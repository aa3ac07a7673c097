//! `claw reference`: the command line itself, as manual pages, as completions of shells and as Markdown.
//!
//! Input: the definition that parses the command line. Output: files in a folder, or text on standard output. `cargo
//! xtask` runs it after a build, so the three never differ from what the program accepts.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Command, Subcommand};
use clap_complete::Shell;

/// The shells that completions are made for.
const SHELLS: [Shell; 3] = [Shell::Bash, Shell::Zsh, Shell::Fish];

/// How wide help is in Markdown, whatever terminal it is made on.
const COLUMNS: usize = 100;

/// Write the manual pages, the completions or the reference of this command line
#[derive(Debug, clap::Args)]
pub(crate) struct Reference {
    #[command(subcommand)]
    form: Form,
}

#[derive(Debug, Subcommand)]
enum Form {
    /// Manual pages in troff, one for each command
    Man {
        /// Where to: a folder that exists
        folder: PathBuf,
    },
    /// Completions for bash, zsh and fish
    Completions {
        /// Where to: a folder that exists
        folder: PathBuf,
    },
    /// The help of every command on standard output
    Markdown,
}

impl Reference {
    /// Runs the command on the definition of the whole command line.
    ///
    /// # Errors
    /// When a file or standard output cannot be written.
    pub(crate) fn run(self, mut claw: Command) -> Result<ExitCode> {
        match self.form {
            Form::Man { folder } => clap_mangen::generate_to(claw, &folder)
                .with_context(|| format!("cannot write to `{}`", folder.display()))?,
            Form::Completions { folder } => {
                for shell in SHELLS {
                    clap_complete::generate_to(shell, &mut claw, "claw", &folder)
                        .with_context(|| format!("cannot write to `{}`", folder.display()))?;
                }
            }
            Form::Markdown => io::stdout().write_all(markdown(claw).as_bytes())?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn markdown(claw: Command) -> String {
    let mut claw = claw.term_width(COLUMNS);
    claw.build();
    let mut out = String::new();
    section(&mut out, &mut claw);
    for command in claw.get_subcommands_mut().filter(|command| shown(command)) {
        section(&mut out, command);
    }
    out
}

/// Whether a command is for people. `help` only repeats the help of the others.
fn shown(command: &Command) -> bool {
    !command.is_hide_set() && command.get_name() != "help"
}

fn section(out: &mut String, command: &mut Command) {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name()).to_owned();
    let help = command.render_long_help().to_string();
    let help: Vec<&str> = help.lines().map(str::trim_end).collect();
    _ = writeln!(out, "\n## {name}\n\n```text\n{}\n```", help.join("\n").trim_end());
}

#[cfg(test)]
mod tests {
    use std::fs;

    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;

    /// The commands that people use, under the name by which they are called.
    fn commands() -> Vec<String> {
        let claw = Cli::command();
        let shown = claw.get_subcommands().filter(|command| shown(command));
        shown.map(|command| command.get_name().to_owned()).collect()
    }

    #[test]
    fn each_command_has_a_section_a_page_and_a_completion() {
        let folder = tempfile::tempdir().unwrap();
        let write = |form| Reference { form }.run(Cli::command()).unwrap();
        write(Form::Man { folder: folder.path().to_owned() });
        write(Form::Completions { folder: folder.path().to_owned() });
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        let completions = [read("claw.bash"), read("_claw"), read("claw.fish")];
        let markdown = markdown(Cli::command());
        assert!(commands().contains(&"run".to_owned()));
        for name in commands() {
            assert!(markdown.contains(&format!("\n## claw {name}\n")), "{name}");
            assert!(read(&format!("claw-{name}.1")).contains(&format!("claw\\-{name}")), "{name}");
            assert!(completions.iter().all(|text| text.contains(&name)), "{name}");
        }
    }

    #[test]
    fn the_reference_does_not_depend_on_the_terminal() {
        let narrow = markdown(Cli::command().term_width(20));
        assert_eq!(narrow, markdown(Cli::command()));
        assert!(narrow.lines().all(|line| line.chars().count() <= COLUMNS));
    }
}
