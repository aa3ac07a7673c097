//! Facts to a verdict: the policy language and the one function that decides.
//!
//! Pure: no clock, no file, no process. `claw check`, `claw test` and live enforcement all call
//! [`decide`], and there is no second evaluator.
//!
//! # The policy language
//!
//! A policy is a TOML file. Every table takes only the keys named here, and every mistake in the file
//! is reported at once, with its place ([`Diagnostic`]).
//!
//! ```toml
//! version = 1                      # required; this is the only one
//! mode = "enforce"                 # or "observe": record verdicts, carry none out
//!
//! [defaults]                       # verdicts where no rule matches, "allow" or "deny"
//! exec = "allow"                   # a program that no tool governs
//! governed = "deny"                # what a governed tool does
//! connect = "allow"                # a connection
//! unix = "allow"                   # a Unix socket
//! injected_env = "strip"           # variables that load code into a governed tool; or "deny", "keep"
//!
//! [denial]
//! style = "tool"                   # a denial reads like the tool's own error; or "errno":
//! # errno = "EACCES"               # the call fails with EACCES, EPERM or ENOENT and says nothing
//!
//! [doors]                          # each "closed" unless it says "open"; see [`Door`]
//! ptrace = "open"                  # descriptors, io_uring, bpf, perf, userfaultfd, modules, kexec, keyring
//!
//! [pins]                           # the files a tool may be, by SHA-256
//! psql = ["2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"]
//!
//! [tool.deployctl]                 # a tool that claw does not know, read as declared here; see below
//! options = { "-e, --env" = ["dev", "prod"] }
//! commands.rollback = { arguments = ["service"] }
//!
//! [[rule]]
//! id = "sql-no-ddl"                # a-z, 0-9 and -; unique among all rules
//! tools = ["psql", "@clusters"]    # optional: only calls of these tools, and of the tools of these groups
//! verdict = "deny"                 # allow, rewrite or deny
//! reason = "schema changes go through migrations"   # one line; required on deny
//! match.sql.effect = ["ddl", "admin"]
//! unless.sql.tables_written = { only = ["scratch.*"] }
//!
//! [[rule]]
//! id = "sql-limit"
//! verdict = "rewrite"
//! match.sql = { effect = "read", limited = false }
//! rewrite = { limit_rows = 1000 }  # a change of the tool's own; set_env = { NAME = "VALUE" }, unset_env = ["NAME"]
//!
//! [[rule]]
//! id = "psql-second-lock"
//! tools = ["psql"]
//! verdict = "rewrite"              # changes of the tool's own; see below
//! rewrite = { no_psqlrc = true, on_error_stop = true, read_only = true }
//!
//! [[connect]]
//! id = "no-metadata"
//! to = ["169.254.169.254", "10.0.0.0/8", "fd00::/8"]   # addresses and networks
//! ports = [5432, "8000-8999"]      # optional: every port
//! protocol = "tcp"                 # or "udp"; optional: both
//! verdict = "deny"                 # allow or deny
//! reason = "cloud credentials live there"
//!
//! [[connect]]
//! id = "no-docker"
//! unix = ["/run/docker.sock", "/tmp/tmux-*", "@dbus-*"]   # in place of `to`: paths and @abstract names
//! verdict = "deny"
//! reason = "whoever reaches it is root"
//! ```
//!
//! ## Which actions a rule is about
//!
//! A call is a list of actions, and each carries the facts of one *domain* (`sql`, `k8s`, …). The
//! first action is of the domain `exec`: the call itself. Each action is decided by itself, and the
//! call takes the strictest verdict of all.
//!
//! | `match` and `unless` name | `tools` | the rule is about |
//! |---|---|---|
//! | a domain other than `exec` | given or not | the actions of that domain |
//! | only `exec` | not given | the call itself, its first action |
//! | only `exec`, or nothing | given | every action of those tools' calls |
//!
//! A rule names at most one domain other than `exec`. The facts of `exec` may stand beside it: they
//! are those of the call the action belongs to. In the last row a rewrite rule that only changes the
//! environment or how the tool starts is about the call itself, so that it permits nothing that the call does;
//! one that changes more is about every action but the first.
//!
//! In `tools`, a name with an `@` in front is a group: every tool of one family (`@databases`, `@clusters`,
//! `@clouds`, …), or with `@governed` every governed tool, those included that the policy declares.
//! docs/TOOLS.md says which group each tool is in.
//!
//! ## What a rule asks
//!
//! All of `match` must hold. Where all of `unless` holds too, the rule does not match.
//!
//! | type of fact | asked by |
//! |---|---|
//! | bool | `true`, `false` |
//! | number | `5`, one of `[5, 6]`, or `{ above = 4, below = 7 }` with either bound left out and neither included |
//! | name | `"x"`, any of `["x", "y"]`, or `{ any = […], none = […] }` |
//! | set of names | `"x"` or `["x", "y"]` for any of them, or a table whose demands all hold: |
//! | | `any`: a name of the set matches one of these |
//! | | `all`: each of these matches a name of the set |
//! | | `only`: the set is not empty, and each of its names matches one of these |
//! | | `none`: no name of the set matches any of these; the empty set satisfies it |
//!
//! `only` fails on the empty set so that no allow rule, and no `unless` of a deny rule, is ever
//! satisfied by a call that names nothing.
//!
//! Names are patterns that match the whole name, case and all: `*` stands for any run of characters,
//! `?` for one, and `\*`, `\?` and `\\` for themselves. Where a fact has a fixed list of values, a
//! pattern that matches none of them is an error.
//!
//! `opaque` can be asked of every domain: `match.sql.opaque = true` holds where the action, or any fact
//! of it, could not be read.
//!
//! ## What cannot be read, and what is not there
//!
//! A fact that could not be read is *opaque*, and what is asked of it can be answered neither way. The
//! stricter reading holds:
//!
//! | the answer is unknown in | allow | rewrite | deny |
//! |---|---|---|---|
//! | `match` | does not match | denies | matches |
//! | `unless` | does not match | denies | matches |
//!
//! A rewrite rule denies then because it would both permit and change: without it the call may be
//! denied, and with it the call might run unchanged.
//!
//! A fact that does not apply to an action is *absent*: everything that is asked of it fails, `none`
//! and `false` included. An action that is opaque as a whole has no absent facts.
//!
//! ## The verdict
//!
//! Verdicts, mildest first: allow, rewrite, deny. The strictest rule that matches an action decides it,
//! and there are no priorities. Where several are as strict, the one named is the first in the file
//! that matches for certain, or else the first that could not be ruled out. A rewrite is stricter
//! than an allow, so **an action that a rewrite rule matches needs no allow rule**: it runs, changed.
//! All matching rewrites apply, in file order; of several row limits for one action only the smallest.
//! The changed call is judged again before it runs.
//!
//! Where no rule matches:
//!
//! | action | verdict |
//! |---|---|
//! | the call of a program that no tool governs | `defaults.exec` |
//! | the call of a governed tool that does something (it has more actions) | allow: those decide |
//! | the call of a governed tool that does nothing claw knows of | `defaults.governed` |
//! | an action of an everyday domain (see [`Domain::governed`]) | as the call, which then takes `defaults.exec` |
//! | any other action | `defaults.governed` |
//! | the call of a governed tool whose file is not trusted to be it | `defaults.exec`, beside what it does |
//! | a call that is opaque as a whole | the stricter of `defaults.exec` and `defaults.governed` |
//!
//! Everyday domains are those of programs that every piece of work uses: shells and interpreters, `rm`
//! and its like, `kill`, package managers. Their facts are there for rules that want to speak of them; a
//! policy that does not is the same as if claw did not know these programs.
//!
//! ## Changes of the tool's own
//!
//! Any call can have variables set and removed. Everything else that `rewrite` names is a change that some tools declare:
//! `limit_rows` for the clients that send SQL, and how psql starts. docs/TOOLS.md lists them. Each tool that a rule names
//! must know its changes. A change of the call as a whole needs `tools`, and each tool of a group must know it too: other
//! tools' calls would be denied for it. A call that stands inside another one (psql in a container) is its runtime's call.
//!
//! The changed call is judged like any other, so what is added must be allowed: a policy that allows only some
//! settings allows psql's `read_only` by
//! `match.sql = { setting = "default_transaction_read_only", setting_value = "on" }`.
//!
//! `read_only` is a second lock for where a rule allows too much, and no more: `SET`, `RESET`,
//! `BEGIN READ WRITE`, `set_config` and a function's own settings turn it off for whoever may send them. Their
//! facts are what they are without it, and rules decide them.
//!
//! ## Tools of the policy's own
//!
//! `[tool.NAME]` says how the command line of a tool is read that claw does not know. The tool is then
//! governed like any other, under `NAME`, and gives facts of a domain `NAME`:
//!
//! ```toml
//! [tool.deployctl]
//! names = ["deployctl", "dctl"]    # what its program file may be called; optional: NAME
//! exit_status = 2                  # of a denial; optional: 1
//! loads_env = ["PYTHONPATH"]       # optional: variables that load code into what it is written in
//! options_first = false            # optional: true where options end at the first argument
//! abbreviations = false            # optional: true where `--forc` may stand for `--force`
//!
//! [tool.deployctl.options]         # these may stand anywhere
//! "-e, --env" = ["dev", "prod"]    # one of these values
//! "-v, --verbose" = "nothing"      # or "value", "number", "values" (given several times), or
//! "--color" = "perhaps"            # only behind `=`
//!
//! [tool.deployctl.commands.rollback]
//! aliases = ["rb"]                 # other words for the same command
//! options = { "--to" = "value", "-f, --force" = "nothing" }
//! arguments = ["service", "version?"]   # the last may be "name...", any number
//!
//! [tool.deployctl.commands."db migrate"]
//!
//! [[rule]]
//! id = "deploy-no-rollback"
//! verdict = "deny"
//! reason = "production is rolled back by a person"
//! match.deployctl = { command = ["rollback", "db *"], env = "prod" }
//! ```
//!
//! | fact | type | what it is |
//! |---|---|---|
//! | `command` | name | the command's words, where the tool has commands |
//! | that of an option: `env`, `force` | by what it takes | its long name, with `_` for `-`; a bool is false where it is not given, all others are absent then |
//! | that of an argument: `service` | name; of `name...` a set | the word |
//! | `options` | set | the facts of the options given |
//! | `arguments` | set | all arguments, where `arguments` is not declared |
//!
//! What the declaration does not cover is opaque: an option or a command it does not name, an argument too many
//! or too few, a value that is none of the list or no number. So is what programs read in different ways:
//! a value that begins with `-` in a word of its own, `-e=prod`, and an option given twice that is not `values`.
//!
//! ## Connections
//!
//! A `[[connect]]` rule matches an address in one of its networks, on one of its ports, over its
//! protocol. The strictest that matches decides, `defaults.connect` where none does. IPv4 rules hold
//! for v4-mapped IPv6 addresses as well; see [`connect`] for what the kernel is given.
//!
//! With `unix` in place of `to`, a rule is about Unix sockets, by patterns as above: a path from `/`, or an
//! abstract name with an `@` for its first, zero byte (further zero bytes are written `\u0000`). The path
//! is the real one, whatever links, working directory or root it was reached by. Where the socket was bound
//! under another name (its file was moved or linked since), both names are decided and the stricter verdict
//! holds; a deny rule that names a path without wildcards holds for that very file under any name. A folder
//! in a pattern that is itself a link, `/var/run`, stands for what it was when the session started.
//! `defaults.unix` decides where no rule matches. It is `"allow"` unless the policy says otherwise, because
//! name lookups, logging and desktops all go through Unix sockets. A policy that has no such rule and leaves
//! that default does not have these calls looked at under the level `proven`.

#![forbid(unsafe_code)]

pub mod connect;
mod decide;
mod decision;
mod diagnostic;
mod door;
mod fact;
pub mod grammar;
mod matcher;
mod name;
mod parse;
mod pattern;
mod policy;
mod rule;
mod schema;
pub mod unix;
mod verdict;
#[cfg(test)]
mod vocabulary;

pub use decide::decide;
pub use decision::{Change, Decision, Outcome, Refusal, Rewrite};
pub use diagnostic::{Diagnostic, nearest, position};
pub use door::Door;
pub use fact::{Action, Fact, Facts, Reading, Value};
pub use grammar::Grammar;
pub use matcher::{EXEC, OPAQUE};
pub use name::Name;
pub use parse::parse;
pub use policy::{Defaults, Denial, Errno, InjectedEnv, Mode, Policy};
pub use rule::Rule;
pub use schema::{
    ChangeDef, ChangeTakes, DeclaredDomain, Domain, DomainRef, FactDef, GOVERNED, Kind, Schema,
    ToolDef, fact,
};
pub use verdict::{Strictness, Verdict};
