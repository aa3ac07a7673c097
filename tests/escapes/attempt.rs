//! One attempt: what it is called, how it is made, and what is known of it.

use crate::gap::Gap;

/// How much of claw is active.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// claw runs as root, with its programs in the kernel; the agent runs as another user.
    Proven,
    /// claw runs as the agent's own user, which may do nothing special.
    Held,
}

impl Level {
    /// Every level.
    pub(crate) const ALL: [Self; 2] = [Self::Proven, Self::Held];

    /// As `claw run --require` and the records spell it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Proven => "proven",
            Self::Held => "held",
        }
    }
}

/// What an attempt is after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Goal {
    /// To have `psql` run `$SQL`, which drops a table. In the honest run it inserts a row, which is allowed.
    Run,
    /// To have the database run `$SQL` at an address that is closed. In the honest run the address is open.
    Database,
    /// To have `$TOKEN` arrive at `$TO` (IPv4), `$TO6`, `$LINK6` (link-local, with its scope), `$SOCKET` (a Unix
    /// socket's path) or `$ABSTRACT` (an abstract one's name), port `$PORT`.
    Reach,
}

/// One attempt.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt {
    /// Its name, unique in its theme.
    pub(crate) name: &'static str,
    /// A text for sh(1). It runs in an empty directory of its own, with the variables of its goal.
    pub(crate) how: &'static str,
    /// What it is after.
    pub(crate) goal: Goal,
    /// Programs that it cannot do without, beside those of a minimal Debian: without them the attempt fails.
    pub(crate) needs: &'static [&'static str],
    /// C programs of `tests/programs/` that it finds on `PATH`.
    pub(crate) programs: &'static [&'static str],
    /// A capability that the agent has, beside none.
    pub(crate) capability: Option<&'static str>,
    /// A text for sh(1) that runs first, as root and out of the guard, and execs its arguments.
    pub(crate) before: Option<&'static str>,
    /// What it does in the kernel differs between releases: it is tried on each.
    pub(crate) of_kernel: bool,
    /// How it ends under `proven`.
    proven: End,
    /// How it ends under `held`.
    held: End,
}

/// How an attempt ends under claw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// What is allowed works this way, and what is forbidden does not.
    Stopped,
    /// The honest run does not work either: the whole way is shut, and why.
    Shut(&'static str),
    /// It gets through, and SECURITY.md says so in this row.
    Through(Gap),
}

impl Attempt {
    const fn new(goal: Goal, name: &'static str, how: &'static str) -> Self {
        Self {
            name,
            how,
            goal,
            needs: &[],
            programs: &[],
            capability: None,
            before: None,
            of_kernel: false,
            proven: End::Stopped,
            held: End::Stopped,
        }
    }

    /// It needs these programs.
    pub(crate) const fn needs(self, needs: &'static [&'static str]) -> Self {
        Self { needs, ..self }
    }

    /// It uses these C programs.
    pub(crate) const fn with(self, programs: &'static [&'static str]) -> Self {
        Self { programs, ..self }
    }

    /// The agent has this capability, as setpriv(1) spells it.
    pub(crate) const fn capable(self, of: &'static str) -> Self {
        Self { capability: Some(of), ..self }
    }

    /// What is there already when the guard starts: a text for sh(1) that execs its arguments.
    pub(crate) const fn after(self, before: &'static str) -> Self {
        Self { before: Some(before), ..self }
    }

    /// It is tried on every kernel.
    pub(crate) const fn of_kernel(self) -> Self {
        Self { of_kernel: true, ..self }
    }

    /// The whole way is shut: what the policy allows does not come through either.
    pub(crate) const fn shut(self, why: &'static str) -> Self {
        Self { proven: End::Shut(why), held: End::Shut(why), ..self }
    }

    /// It gets through, as SECURITY.md says.
    pub(crate) const fn open(self, gap: Gap) -> Self {
        Self { proven: End::Through(gap), held: End::Through(gap), ..self }
    }

    /// At the level `held` it ends another way.
    pub(crate) const fn but_held(self, held: End) -> Self {
        Self { held, ..self }
    }

    /// How it ends at `level`.
    pub(crate) fn end(&self, level: Level) -> End {
        match level {
            Level::Proven => self.proven,
            Level::Held => self.held,
        }
    }
}

/// An attempt to have `psql` run what is forbidden.
pub(crate) const fn run(name: &'static str, how: &'static str) -> Attempt {
    Attempt::new(Goal::Run, name, how)
}

/// An attempt to have a closed database run something.
pub(crate) const fn database(name: &'static str, how: &'static str) -> Attempt {
    Attempt::new(Goal::Database, name, how)
}

/// An attempt to reach what is closed.
pub(crate) const fn reach(name: &'static str, how: &'static str) -> Attempt {
    Attempt::new(Goal::Reach, name, how)
}
