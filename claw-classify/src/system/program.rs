//! Shells, interpreters and programs that run another: what they are given to run, and from where.
//!
//! Input: the call. Output: one action of the domain `program`, and by [`start`] the calls that
//! its words say will be made. A live call's children are judged when they are made; text that is
//! merely quoted denies nothing by itself.
//!
//! Sources: sh(1), bash(1), python(1), perlrun(1), ruby(1), node(1), php(1), awk(1), jq(1); env(1),
//! nice(1), timeout(1), nohup(1), stdbuf(1) of coreutils; ionice(1), setsid(1), flock(1),
//! taskset(1), chrt(1) of util-linux; xargs(1), time(1), strace(1), sudo(8).
//!
//! Known gaps: only the shell's scripts are read here, if their content is known. A word that a
//! shell expands is not known before it runs.

mod interpreter;
pub(crate) mod start;
mod wrapper;

use claw_policy::{Action, Set, domain};

use crate::call::{Call, text};
use crate::grammar::subcommands::said;
use crate::loaders::{Loads, Runtime};
use crate::tool::{Abilities, Denial, Family, Reader, Tool};

pub(crate) use interpreter::{StandsFor, stands_for};

domain! {
    /// What a shell, an interpreter or a program that runs another is given to run.
    pub(crate) static DOMAIN: Program = "program", governed: false, sealed: false;

    /// Which of these the program is.
    KIND: String = "kind" of &["interpreter", "shell", "wrapper"];
    /// Where what it runs comes from: `inline` an argument, `script` a file, `module` a module by name, `stdin`
    /// standard input or a terminal, `command` the words of a wrapper, `inform` nothing.
    SOURCE: String = "source" of &["command", "inform", "inline", "module", "script", "stdin"];
    /// The text that an argument gives, where `source` is `inline`.
    CODE: String = "code";
    /// The file, as it is named.
    SCRIPT: String = "script";
    /// The module.
    MODULE: String = "module";
    /// The base names of the programs that its words name, as far as the words of a shell are plain.
    PROGRAMS: Set = "programs";
}

macro_rules! rows {
    ($($id:ident $names:expr, $runtimes:expr, $starts:expr, $doc:literal, $classify:expr;)*) => {
        $(
            /// The program's row in the registry.
            pub(crate) static $id: Tool = Tool {
                name: $names[0],
                names: &$names,
                doc: $doc,
                denial: Denial { prefix: "error: ", status: 126 },
                can: Abilities { starts: $starts, ..Abilities::of(Family::Interpreters) },
                domains: &[&DOMAIN],
                loads: Loads::of(&$runtimes),
                reader: Reader::Judge(|context| vec![($classify)(context.call)]),
            };
        )*
    };
}

rows! {
    SH ["sh", "ash", "bash", "dash", "ksh", "mksh", "rbash", "zsh"], [Runtime::Shell],
        Some(start::of_shell), "`-c`, a script or standard input; the programs that plain words of `-c` name.", interpreter::shell;
    PYTHON ["python", "python2", "python3", "python3.9", "python3.10", "python3.11", "python3.12", "python3.13", "python3.14", "pypy3"],
        [Runtime::Python],
        None, "`-c`, `-m`, a script or standard input. A module or script that is a tool written in Python is read as that tool.",
        |call| interpreter::read(call, &interpreter::PYTHON);
    PERL ["perl"], [Runtime::Perl], None, "`-e`, a script or standard input.", |call| interpreter::read(call, &interpreter::PERL);
    RUBY ["ruby"], [Runtime::Ruby], None, "`-e`, a script or standard input.", |call| interpreter::read(call, &interpreter::RUBY);
    NODE ["node", "nodejs"], [Runtime::Node], None, "`-e`, `-p`, a script or standard input.", |call| interpreter::read(call, &interpreter::NODE);
    PHP ["php"], [Runtime::Php], None, "`-r`, a script or standard input.", |call| interpreter::read(call, &interpreter::PHP);
    LUA ["lua", "lua5.1", "lua5.3", "lua5.4", "luajit"], [Runtime::Lua], None, "`-e`, a script or standard input.",
        |call| interpreter::read(call, &interpreter::LUA);
    AWK ["awk", "gawk", "mawk", "nawk"], [Runtime::Awk], None, "The program text or its file.", |call| interpreter::read(call, &interpreter::AWK);
    DENO ["deno"], [Runtime::Deno], None, "The arguments of `run` and `eval`, tasks and tests; other commands are opaque.", interpreter::deno;
    JQ ["jq"], [], None, "The filter or its file.", |call| interpreter::read(call, &interpreter::JQ);
    ENV ["env", "nice", "ionice", "timeout", "nohup", "setsid", "stdbuf", "time", "xargs", "flock", "chrt", "taskset", "busybox", "watch", "script", "parallel"], [],
        None, "The words of the command that is run.", wrapper::classify;
}

/// The base name of a program as facts spell it.
fn base(path: &[u8]) -> String {
    text(path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)).into_owned()
}

fn action(call: &Call<'_>, kind: &'static str, source: &'static str) -> Action {
    Action::new(&DOMAIN, said(call.argv)).with(Program::KIND, kind).with(Program::SOURCE, source)
}

#[cfg(test)]
mod tests;
