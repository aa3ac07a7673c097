//! What one psql call would do, step by step, and where in the command line each step is.

use std::rc::Rc;

use claw_policy::{Action, Reading, Value};

use super::connection::connection;
use super::meta::{self, Meta};
use super::query::Query;
use super::script::Ends;
use super::scripts::Scripts;
use super::variables::{self, Sight, Variables};
use super::{DOMAIN, PLACE, Psql, environment, fact, options, slash};
use crate::call::{Call, excerpt, text};
use crate::grammar::getopt::{self, Item, Located};
use crate::language::sql;
use crate::tool::Context;
use crate::work;

/// What holds a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Holder {
    /// This argument.
    Argument(usize),
    /// Standard input.
    Stdin,
    /// The file at this path.
    File(Vec<u8>),
}

/// Where a statement is: the `statement`th of a text that is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) holder: Holder,
    pub(super) query: Rc<Query>,
    pub(super) statement: usize,
}

/// One action and, for a statement whose text can be changed, its place.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) action: Action,
    pub(super) place: Option<Place>,
}

impl From<Action> for Step {
    fn from(action: Action) -> Self {
        Self { action, place: None }
    }
}

/// The command line, sorted as `parse_psql_options` sorts it.
#[derive(Debug, Default)]
struct CommandLine<'a> {
    /// `-c` and `-f`, in order: whether it is a file, and the text.
    commands: Vec<(bool, Located<'a>)>,
    list: bool,
    no_psqlrc: bool,
    dbname: Option<&'a [u8]>,
    host: Option<&'a [u8]>,
    port: Option<&'a [u8]>,
    user: Option<&'a [u8]>,
    /// Actions that options have by themselves.
    steps: Vec<Step>,
    variables: Variables,
    /// Set by `--help` and `--version`: psql prints and ends before it does anything else.
    informs: Option<&'static str>,
}

/// A call, step by step, and how psql starts.
#[derive(Debug)]
pub(super) struct Plan {
    /// Everything the call would do. Never empty.
    pub(super) steps: Vec<Step>,
    /// None if it starts no session: its command line is refused, or it only prints help.
    pub(super) start: Option<Start>,
}

/// What is kept of a plan to change the call.
#[derive(Debug)]
pub(super) struct Kept {
    /// The places of the call's actions from 1.
    pub(super) places: Vec<Option<Place>>,
    /// How it starts.
    pub(super) start: Option<Start>,
}

impl Plan {
    /// The actions, and what is kept to change the call.
    pub(super) fn split(self) -> (Vec<Action>, Kept) {
        let Self { steps, start } = self;
        let (actions, places) = steps.into_iter().map(|step| (step.action, step.place)).unzip();
        (actions, Kept { places, start })
    }
}

/// How psql starts, as far as policies change that.
#[derive(Debug)]
pub(super) struct Start {
    /// Whether psql reads no start-up files.
    pub(super) no_psqlrc: bool,
    /// Whether the command line has scripts end at their first error; none if it does not say.
    pub(super) on_error_stop: Option<bool>,
    /// Whether a script may have itself or others continue after an error.
    pub(super) goes_on: bool,
    /// What gives the server its options in place of PGOPTIONS.
    pub(super) options_from: Option<&'static str>,
    /// Whether a script connects anew.
    pub(super) connects_anew: bool,
    /// Whether the plan holds what a start-up file says.
    pub(super) with_startup_file: bool,
}

/// What a call would do.
pub(super) fn plan(context: &Context<'_>) -> Plan {
    let Context { call, files, .. } = *context;
    work::note(|work| &mut work.plans);
    let line = match read(call) {
        Ok(line) => line,
        Err(action) => return Plan { steps: both_opaque(&action), start: None },
    };
    if let Some(name) = line.informs {
        // psql opens or starts what `-o` names as soon as it reads the option, and forgets
        // everything else.
        let output = Some(Reading::Known(&Value::from("output")));
        let mut steps = line.steps;
        steps.retain(|step| step.action.read(Psql::NAME) == output);
        steps.push(fact("option", name, "inform", format!("--{name}")).into());
        return Plan { steps, start: None };
    }
    let mut steps = line.steps;
    let mut session = sql::Session { texts: context.texts(), ..sql::Session::default() };
    let target = connection(call, line.dbname, line.host, line.port, line.user, &mut session);
    steps.extend(target.steps);
    steps.extend(environment::steps(call, &line.commands, &mut session));
    session.connection = target.connection;
    let mut start = Start {
        no_psqlrc: line.no_psqlrc,
        on_error_stop: line.variables.on_error_stop,
        goes_on: false,
        options_from: target.options_from,
        connects_anew: false,
        with_startup_file: false,
    };
    if line.list {
        let mut list = fact("option", "list", "catalog", "--list");
        session.describe_as(&mut list, PLACE);
        steps.push(list.into());
        return Plan { steps, start: Some(start) };
    }
    let mut scripts =
        Scripts { call, files, variables: line.variables, certain: true, session, steps };
    if !line.no_psqlrc {
        start.with_startup_file = scripts.start_up();
    }
    if line.commands.is_empty() {
        scripts.input();
    }
    for (is_file, value) in &line.commands {
        if *is_file {
            scripts.file(value.bytes, "file");
        } else if let Some(command) = value.bytes.strip_prefix(b"\\") {
            meta_command(&mut scripts, command, value.arg);
        } else {
            text_argument(&mut scripts, value);
        }
    }
    start.goes_on = scripts.variables.on_error_stop == Some(false);
    start.connects_anew = scripts.steps.iter().any(connects_anew);
    Plan { steps: scripts.steps, start: Some(start) }
}

/// Whether a step is a backslash command that connects.
fn connects_anew(step: &Step) -> bool {
    let is = |fact, word: &str| step.action.read(fact) == Some(Reading::Known(&Value::from(word)));
    is(Psql::SOURCE, "meta_command") && is(Psql::CLASS, "connect")
}

fn both_opaque(reason: &str) -> Vec<Step> {
    vec![
        Action::opaque(&sql::DOMAIN, reason, reason).into(),
        Action::opaque(&DOMAIN, reason, reason).into(),
    ]
}

fn read<'a>(call: &Call<'a>) -> Result<CommandLine<'a>, String> {
    let mut line = CommandLine::default();
    // psql looks at its first argument before getopt does.
    match call.argv {
        [_, first, ..] if *first == b"-?" => line.informs = Some("help"),
        [_, only] if *only == b"--help" => line.informs = Some("help"),
        [_, first, ..] if *first == b"--version" || *first == b"-V" => {
            line.informs = Some("version");
        }
        _ => {}
    }
    if line.informs.is_some() {
        return Ok(line);
    }
    let posix = call.env.iter().any(|entry| entry.starts_with(b"POSIXLY_CORRECT="));
    let (mut dbname, mut operands) = (None, Vec::new());
    for item in getopt::read(call.argv, options::OPTIONS, posix) {
        let (opt, value) = match item {
            Item::Refused { word, why } => {
                return Err(format!("psql is given {why}: `{}`", excerpt(&text(word))));
            }
            Item::Operand(operand) => {
                operands.push(operand.bytes);
                continue;
            }
            Item::Option { opt, value } => (opt.name(), value),
        };
        let Some(value) = value else {
            match opt {
                "help" | "version" => {
                    line.informs = Some(opt);
                    return Ok(line);
                }
                "list" => line.list = true,
                "no-psqlrc" => line.no_psqlrc = true,
                "single-line" => set(&mut line.variables, "SINGLELINE"),
                "single-step" => set(&mut line.variables, "SINGLESTEP"),
                _ => {}
            }
            continue;
        };
        match opt {
            "help" => {
                line.informs = Some(opt);
                return Ok(line);
            }
            "command" => line.commands.push((false, value)),
            "file" => line.commands.push((true, value)),
            "dbname" => dbname = Some(value.bytes),
            "host" => line.host = Some(value.bytes),
            "port" => line.port = Some(value.bytes),
            "username" => line.user = Some(value.bytes),
            "output" => {
                if !value.bytes.starts_with(b"|") {
                    call.writes(value.bytes);
                }
                line.steps.push(output(value.bytes).into());
            }
            "log-file" => {
                call.writes(value.bytes);
                let said = format!("--log-file={}", excerpt(&text(value.bytes)));
                line.steps.push(fact("option", opt, "file_write", said).into());
            }
            "set" | "variable" => {
                let assignment = text(value.bytes);
                match assignment.split_once('=') {
                    Some((name, value)) => {
                        line.variables.set(name, Some(variables::Value::Known(value.to_owned())));
                    }
                    None => line.variables.set(&assignment, None),
                }
                line.steps.push(variable(value.bytes).into());
            }
            // Field and record separators, table attributes and `\pset` change what is printed.
            _ => {}
        }
    }
    let mut operands = operands.into_iter();
    line.dbname = dbname.or_else(|| operands.next());
    line.user = line.user.or_else(|| operands.next());
    Ok(line)
}

fn output(target: &[u8]) -> Action {
    let class = if target.starts_with(b"|") { "program" } else { "file_write" };
    fact("option", "output", class, format!("--output={}", excerpt(&text(target))))
}

/// `-v NAME=VALUE`. A prompt runs what is between backquotes when it is shown. Other variables only
/// matter if a script uses them.
fn variable(assignment: &[u8]) -> Action {
    let name_end = assignment.iter().position(|&byte| byte == b'=').unwrap_or(assignment.len());
    let (name, value) = assignment.split_at(name_end);
    let name = text(name);
    let class =
        if value.contains(&b'`') && name.starts_with("PROMPT") { "program" } else { "variable" };
    fact("variable", &name, class, excerpt(&text(assignment)))
}

/// Switches a variable of psql's own on.
fn set(variables: &mut Variables, name: &str) {
    variables.set(name, Some(variables::Value::Known("on".to_owned())));
}

/// A `-c` that holds statements. psql sends it unchanged.
fn text_argument(scripts: &mut Scripts<'_>, value: &Located<'_>) {
    let Ok(text) = str::from_utf8(value.bytes) else {
        let actions = sql::actions(value.bytes, &mut scripts.session);
        scripts.steps.extend(actions.into_iter().map(Step::from));
        return;
    };
    let query = Rc::new(Query::whole(text, value.from));
    scripts.statements(&Place { holder: Holder::Argument(value.arg), query, statement: 0 });
}

/// A `-c` that holds one backslash command and nothing after it.
fn meta_command(scripts: &mut Scripts<'_>, command: &[u8], arg: usize) {
    let said = excerpt(&format!("\\{}", text(command)));
    let mut opaque = |reason: &str| {
        scripts.steps.push(Action::opaque(&DOMAIN, &*said, reason).into());
    };
    let Ok(line) = str::from_utf8(command) else {
        return opaque("the backslash command is not UTF-8");
    };
    let sight = Sight { variables: &scripts.variables, certain: true };
    let command = slash::read(line, Some(&sight));
    if !line[command.length..].trim_matches('\\').trim().is_empty() || line.contains('\x0b') {
        return opaque("something follows the backslash command");
    }
    // A part that cannot be followed does not change how another `-c` is read, but it does change
    // how a script is read.
    if let Err(Ends::Unread(reason)) = scripts.effect(&command, &Holder::Argument(arg)) {
        scripts.variables.unreadable.get_or_insert(reason);
    }
}

pub(super) fn meta_action(meta: Meta<'_>) -> Action {
    let said = excerpt(&format!("\\{}{}", meta.name, meta.arguments));
    match meta::class(meta) {
        Ok(class) => fact("meta_command", meta.name, class, said),
        Err(reason) => Action::opaque(&DOMAIN, said, reason),
    }
}
