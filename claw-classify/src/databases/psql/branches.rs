//! `\if`, `\elif`, `\else` and `\endif`: which branches run, which do not, and which may.
//!
//! Source: `exec_command_if` and its kin in `src/bin/psql/command.c`. A condition whose words are all known
//! decides; any other may hold or not, and what is in its branch is judged as if it ran.

use super::slash::Argument;
use super::variables::boolean;

/// Whether something runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Runs {
    No,
    Perhaps,
    Yes,
}

#[derive(Debug)]
struct Branch {
    /// Whether a branch of this `\if` that is behind ran, or this one does.
    taken: Runs,
    now: Runs,
    last: bool,
}

/// The conditions around a place in a script, the outermost first.
#[derive(Debug, Default)]
pub(super) struct Branches(Vec<Branch>);

/// Whether a condition holds. What psql cannot read as a boolean does not.
fn holds(condition: &[Argument]) -> Runs {
    if condition.iter().any(|word| !word.known) {
        return Runs::Perhaps;
    }
    let words: Vec<&str> = condition.iter().map(|word| &*word.text).collect();
    if boolean(&words.join(" ")) == Some(true) { Runs::Yes } else { Runs::No }
}

/// Whether `name` is one of the four commands.
pub(super) fn is_branch(name: &str) -> bool {
    ["if", "elif", "else", "endif"].contains(&name)
}

impl Branches {
    /// Whether what stands here runs.
    pub(super) fn here(&self) -> Runs {
        self.0.iter().map(|branch| branch.now).min().unwrap_or(Runs::Yes)
    }

    /// Meets one of the four commands. False where it does not belong here, which psql refuses.
    pub(super) fn meet(&mut self, name: &str, condition: &[Argument]) -> bool {
        if name == "if" {
            let branch = match self.here() {
                // None of its branches runs.
                Runs::No => Branch { taken: Runs::Yes, now: Runs::No, last: false },
                Runs::Perhaps | Runs::Yes => {
                    let now = holds(condition);
                    Branch { taken: now, now, last: false }
                }
            };
            self.0.push(branch);
            return true;
        }
        let Some(branch) = self.0.last_mut() else { return false };
        match name {
            "endif" => {
                self.0.pop();
            }
            _ if branch.last => return false,
            "elif" => {
                let holds = holds(condition);
                branch.now = holds.min(not(branch.taken));
                // Where it holds, this branch runs or one before it did.
                branch.taken = branch.taken.max(holds);
            }
            _ => {
                branch.now = not(branch.taken);
                branch.last = true;
            }
        }
        true
    }
}

fn not(runs: Runs) -> Runs {
    match runs {
        Runs::No => Runs::Yes,
        Runs::Perhaps => Runs::Perhaps,
        Runs::Yes => Runs::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here(script: &[&str]) -> String {
        let mut branches = Branches::default();
        let met = script.iter().map(|line| {
            let (name, condition) = line.split_once(' ').unwrap_or((line, ""));
            let condition =
                Argument { text: condition.to_owned(), known: condition != "?", expanded: false };
            assert!(branches.meet(name, &[condition]), "{line}");
            match branches.here() {
                Runs::No => '-',
                Runs::Perhaps => '?',
                Runs::Yes => '+',
            }
        });
        met.collect()
    }

    #[test]
    fn branches_that_may_run() {
        for (script, expected) in [
            (vec!["if true", "elif true", "else", "endif"], "+--+"),
            (vec!["if false", "elif on", "elif true", "else", "endif"], "-+--+"),
            (vec!["if 0", "else", "endif"], "-++"),
            (vec!["if nonsense", "else", "endif"], "-++"),
            (vec!["if ?", "elif true", "else", "endif"], "??-+"),
            (vec!["if ?", "elif false", "elif ?", "else", "endif"], "?-??+"),
            (vec!["if false", "if true", "else", "endif", "else", "endif"], "----++"),
            (vec!["if ?", "if true", "else", "endif", "endif"], "??-?+"),
        ] {
            assert_eq!(here(&script), expected, "{script:?}");
        }
        let mut branches = Branches::default();
        assert!(!branches.meet("else", &[]));
        assert!(branches.meet("if", &[]));
        assert!(branches.meet("else", &[]));
        assert!(!branches.meet("elif", &[]));
    }
}
