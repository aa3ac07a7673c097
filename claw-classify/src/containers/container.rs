//! docker, podman, nerdctl and similar programs: the command, the engine it goes to, and what runs
//! inside.
//!
//! Input: the call. Output: one action of the domain `container`. If a command is run in a
//! container that already exists (`exec`, `compose exec`), the actions of that command follow, read
//! by the same tools. Nothing else will see that command, because it does not start below the
//! caller.
//!
//! Sources: docker's CLI 28 (its help, and `cli/command/container/opts.go` for `run`), compose 2,
//! podman 5 and nerdctl 2; `container/commands.tsv`.
//!
//! Known gaps: compose files are not read. The environment inside a container is known only as far
//! as `-e` says it. Engines of crictl and ctr have small tables.

mod inside;
mod options;
mod settings;

use claw_policy::{Action, Domain, Rewrite, Set, domain};

use crate::call::{Call, Stdin, excerpt, text};
use crate::grammar::subcommands::{self, Commands, Line, Opt, Place, said};
use crate::inner::{Inner, known_as};
use crate::language::sql;
use crate::loaders::Loads;
use crate::secret::marks::{Given, Holds, Marks, marks, option, secret, switch};
use crate::tool::{
    Abilities, CannotRewrite, Change, Changed, Context, Denial, Edit, Family, Read, Reader, Tool,
};
use crate::writes;
use inside::{Inside, Kept};
use settings::Settings;

/// What holds a secret in their words.
pub(crate) static SECRETS: &[Marks] = &[
    marks(
        &[DOCKER.names, DOCKER_COMPOSE.names, PODMAN.names, NERDCTL.names],
        &[option("--secret", Given::Anyhow, Holds::Text), switch("--showsecret")],
    ),
    marks(&[DOCKER.names, PODMAN.names, NERDCTL.names], &[secret("-p")]).behind("login"),
];

/// The programs' rows in the registry.
pub(crate) static DOCKER: Tool =
    row("docker", &["docker", "docker.io"], "Error response from daemon: ", docker);
pub(crate) static DOCKER_COMPOSE: Tool =
    row("docker-compose", &["docker-compose", "podman-compose"], "Error: ", compose);
pub(crate) static PODMAN: Tool = row("podman", &["podman", "podman-remote"], "Error: ", podman);
pub(crate) static NERDCTL: Tool = row("nerdctl", &["nerdctl"], "FATA[0000] ", nerdctl);
pub(crate) static CRICTL: Tool = row("crictl", &["crictl"], "FATA[0000] ", crictl);
pub(crate) static CTR: Tool = row("ctr", &["ctr"], "ctr: ", ctr);

const fn row(
    name: &'static str,
    names: &'static [&'static str],
    prefix: &'static str,
    read: fn(&Context<'_>) -> Read,
) -> Tool {
    Tool {
        name,
        names,
        doc: "The command, its engine, and for commands in containers what runs with which mounts and privileges; `exec` is judged by what it runs. Plugins are opaque.",
        denial: Denial { prefix, status: 1 },
        can: Abilities { changes: sql::ROWS, ..Abilities::of(Family::Containers) },
        domains: DOMAINS,
        loads: Loads::NOTHING,
        reader: Reader::Change(read),
    }
}

static DOMAINS: &[&Domain] = &[&DOMAIN];

domain! {
    /// What one call asks of a container engine.
    pub(crate) static DOMAIN: Container = "container", governed: true, sealed: true;

    /// The command, under one name where it has several: `container ls` for `ps`.
    COMMAND: String = "command";
    /// `exec` runs a program in a container, `export` copies data out of the engine or into it, `secret` shows a
    /// secret, `config` changes the client's settings, `destroy` stops or removes, `local` asks nothing of an
    /// engine.
    EFFECT: String = "effect" of &[
        "config", "destroy", "exec", "export", "local", "read", "secret", "tunnel", "write",
    ];
    /// The options given, without dashes; those of the program and of commands that run something by their full
    /// names.
    OPTIONS: Set = "options";
    /// The engine's address, where the call, a variable or the context in use says it.
    ENGINE: String = "engine";
    /// The context or connection, where the call, a variable or docker's settings file says it.
    CONTEXT: String = "context";
    /// The variables that choose another folder of client settings, and so other plugins and helpers; the keys of
    /// docker's settings file that name programs.
    SETTINGS: Set = "settings";
    /// The program that runs in a container, where the call says it: its base name, or its path if it is in no
    /// system folder.
    RUNS: String = "runs";
    /// The governed tool that runs in a container and whose actions follow this one.
    TOOL: String = "tool";
    /// The image that is run.
    IMAGE: String = "image";
    /// What is mounted into a new container, as the call says it.
    MOUNTS: Set = "mounts";
    /// Whether the call asks for privileges, devices, capabilities or a namespace of the host.
    PRIVILEGED: bool = "privileged";
}

const COMMANDS: Commands = Commands(include_str!("container/commands.tsv"));
/// Commands of crictl 1.3x.
const CRICTL_COMMANDS: Commands = Commands(
    "attach\texec\ncompletion\tlocal\nconfig\tconfig\ncreate\texec\nevents\tread\nexec\texec\nhelp\tlocal\nimagefsinfo\tread\nimages\tread\nimg\tread\timages\ninfo\tread\ninspect\tread\ninspecti\tread\ninspectp\tread\nlogs\tread\nmetricdescs\tread\nmetricsp\tread\npods\tread\nport-forward\ttunnel\nps\tread\npull\twrite\nrm\tdestroy\nrmi\tdestroy\nrmp\tdestroy\nrun\texec\nrunp\texec\nstart\twrite\nstats\tread\nstatsp\tread\nstop\tdestroy\nstopp\tdestroy\nupdate\twrite\nversion\tread\n",
);
/// Commands of containerd's ctr that read. It is a debugging tool: every other command is opaque.
const CTR_COMMANDS: Commands = Commands(
    "c\tread\tcontainers ls\ncontainers info\tread\ncontainers list\tread\tcontainers ls\ncontainers ls\tread\ncontainers rm\tdestroy\nimages list\tread\timages ls\nimages ls\tread\nimages rm\tdestroy\ninfo\tread\nnamespaces list\tread\tnamespaces ls\nnamespaces ls\tread\nplugins list\tread\tplugins ls\nplugins ls\tread\nrun\texec\nsnapshots ls\tread\ntasks exec\texec\ntasks kill\tdestroy\ntasks list\tread\ttasks ls\ntasks ls\tread\ntasks metrics\tread\ntasks ps\tread\nversion\tread\n",
);

/// The differences between the programs.
struct Program {
    commands: Commands,
    options: &'static [Opt],
    /// Where the words begin: compose's own program is below `compose`.
    start: &'static str,
    /// Variables that hold the engine's address, the context and the folder of settings.
    engine: &'static [&'static str],
    context: &'static [&'static str],
    settings: &'static [&'static str],
    /// Whether it reads docker's settings file.
    settings_file: bool,
}

/// Whether what the program runs in a container is changed: podman-compose is podman's by its name.
fn is_changed(call: &Call<'_>) -> bool {
    let named =
        |name: &&[u8]| matches!(*name, b"docker" | b"docker.io") || name.starts_with(b"podman");
    call.names.iter().any(named)
}

const DOCKER_PROGRAM: Program = Program {
    commands: COMMANDS,
    options: options::DOCKER,
    start: "",
    engine: &["DOCKER_HOST"],
    context: &["DOCKER_CONTEXT"],
    settings: &["BUILDX_CONFIG", "DOCKER_CLI_PLUGIN_EXTRA_DIRS", "DOCKER_CONFIG"],
    settings_file: true,
};

fn docker(context: &Context<'_>) -> Read {
    read(context, &DOCKER_PROGRAM)
}

fn compose(context: &Context<'_>) -> Read {
    let program = Program { start: "compose", ..DOCKER_PROGRAM };
    read(context, &program)
}

fn podman(context: &Context<'_>) -> Read {
    let program = Program {
        options: options::PODMAN,
        engine: &["CONTAINER_HOST"],
        context: &["CONTAINER_CONNECTION"],
        settings: &["CONTAINERS_CONF", "CONTAINERS_CONF_OVERRIDE", "CONTAINERS_STORAGE_CONF"],
        settings_file: false,
        ..DOCKER_PROGRAM
    };
    read(context, &program)
}

fn nerdctl(context: &Context<'_>) -> Read {
    let program = Program {
        options: options::NERDCTL,
        engine: &["CONTAINERD_ADDRESS"],
        context: &[],
        settings: &["NERDCTL_TOML"],
        settings_file: false,
        ..DOCKER_PROGRAM
    };
    read(context, &program)
}

fn crictl(context: &Context<'_>) -> Read {
    let program = Program {
        commands: CRICTL_COMMANDS,
        options: options::CRICTL,
        engine: &["CONTAINER_RUNTIME_ENDPOINT", "IMAGE_SERVICE_ENDPOINT"],
        context: &[],
        settings: &["CRI_CONFIG_FILE"],
        settings_file: false,
        ..DOCKER_PROGRAM
    };
    read(context, &program)
}

fn ctr(context: &Context<'_>) -> Read {
    let program = Program {
        commands: CTR_COMMANDS,
        options: options::CTR,
        engine: &["CONTAINERD_ADDRESS"],
        context: &[],
        settings: &[],
        settings_file: false,
        ..DOCKER_PROGRAM
    };
    read(context, &program)
}

/// Why calls that only look at containers are not changed.
const NOTHING: &str = "nothing runs in a container that could be changed";
/// Why most programs' calls are not changed.
const NEITHER: &str = "a change inside a container is made for docker and podman alone";

fn read(context: &Context<'_>, program: &Program) -> Read {
    let call = context.call;
    let changes = |why: String| if is_changed(call) { excerpt(&why) } else { NEITHER.into() };
    let said = said(call.argv);
    let line = match line(call, program) {
        Ok(line) => line,
        Err(reason) => {
            let actions = vec![Action::opaque(&DOMAIN, said, &*reason)];
            return Read::refused(actions, changes(reason));
        }
    };
    let mut action = Action::new(&DOMAIN, said);
    if !line.path.is_empty() {
        action.set(Container::COMMAND, line.path);
    }
    if line.path.rsplit(' ').next() == Some("cp") {
        writes::note_destination(call, writes::is_behind_colon);
    }
    let first = |names: &[&str]| names.iter().find_map(|name| call.var(name));
    let given = |value: Option<&[u8]>| {
        value.filter(|value| !value.is_empty()).map(|value| text(value).into_owned())
    };
    let engine = given(line.value("host").or_else(|| first(program.engine)));
    let has_engine = engine.is_some();
    engine.into_iter().for_each(|engine| action.set(Container::ENGINE, engine));
    let said_context = given(line.value("context").or_else(|| first(program.context)));
    said_context.iter().for_each(|context| action.set(Container::CONTEXT, context.as_str()));
    let variables = program.settings.iter().copied().filter(|name| call.var(name).is_some());
    let mut settings: Vec<&str> = variables.collect();
    if program.settings_file {
        let found = Settings::of(call, context.files).and_then(|own| {
            settings.extend(&own.programs);
            let context_in_use =
                said_context.or_else(|| own.context.clone().filter(|_| !has_engine));
            let engine = context_in_use.as_deref().map(|name| own.engine(name, context.files));
            Ok((context_in_use, engine.transpose()?.flatten()))
        });
        match found {
            Ok((context, engine)) => {
                context.into_iter().for_each(|context| action.set(Container::CONTEXT, context));
                engine.into_iter().for_each(|engine| action.set(Container::ENGINE, engine));
            }
            Err(reason) => {
                action.set_opaque(Container::CONTEXT, reason);
                action.set_opaque(Container::ENGINE, reason);
            }
        }
    }
    action.set(Container::SETTINGS, settings.into_iter().collect::<Set>());
    let found = if line.effect == "local" { Ok(None) } else { inside::find(call, &line) };
    let inside = match found {
        Ok(inside) => inside,
        Err(reason) => {
            action.set(Container::OPTIONS, line.names());
            action.set(Container::EFFECT, "exec");
            for fact in [Container::RUNS, Container::TOOL, Container::IMAGE] {
                action.set_opaque(fact, reason.clone());
            }
            action.set_opaque(Container::MOUNTS, reason.clone());
            action.set_opaque(Container::PRIVILEGED, reason.clone());
            return Read::refused(vec![action], changes(reason));
        }
    };
    let Some(inside) = inside else {
        action.set(Container::OPTIONS, line.names());
        let shows = line.path.starts_with("secret inspect") && line.has("showsecret");
        action.set(Container::EFFECT, if shows { "secret" } else { line.effect });
        return Read::refused(vec![action], changes(NOTHING.to_owned()));
    };
    let before = line.options.iter().take(line.own).map(|given| text(given.name));
    let own = inside.options.iter().map(|given| text(given.name));
    action.set(Container::OPTIONS, before.chain(own).collect::<Set>());
    action.set(Container::EFFECT, line.effect);
    describe(&inside, &mut action);
    let mut actions = vec![action];
    if !inside.is_there {
        let words = inside.words_of_image();
        let env: Vec<Vec<u8>> = inside.env();
        let env: Vec<&[u8]> = env.iter().map(Vec::as_slice).collect();
        let stdin = if inside.reads_stdin { call.stdin() } else { Stdin::Null };
        if let Some(inner) = Inner::of_words(context.tools, &words, &env, stdin) {
            inner.behind(&mut actions, Container::TOOL);
        }
        return Read::refused(actions, changes(NOTHING.to_owned()));
    }
    let kept = inside.keep();
    let Some(inner) = Inner::of(context.tools, &kept.call(call).call()) else {
        return Read::judged(actions);
    };
    let change = inner.behind(&mut actions, Container::TOOL);
    if is_changed(call) {
        Read::changed_by(actions, InContainer { kept, change })
    } else {
        Read::refused(actions, NEITHER)
    }
}

fn line<'a>(call: &Call<'a>, program: &Program) -> Result<Line<'a>, String> {
    let read = |start| {
        subcommands::read(call.argv, program.commands, program.options, Place::Before, start)
    };
    if program.start.is_empty() {
        return read("");
    }
    // docker runs its plugin with the plugin's name as the first word.
    match read("") {
        Ok(line) if line.path.starts_with(program.start) => Ok(line),
        _ => read(program.start),
    }
}

/// Sets what the call says of the container and of what runs in it.
fn describe(inside: &Inside<'_>, action: &mut Action) {
    if let Some(program) = inside.entrypoint.as_ref().or(inside.argv.first()) {
        action.set(Container::RUNS, text(known_as(program)).into_owned());
    }
    if let Some(image) = inside.image {
        action.set(Container::IMAGE, text(image).into_owned());
    }
    let mounts = inside.values(&["volume", "mount", "device", "volumes-from", "tmpfs"]);
    action.set(Container::MOUNTS, mounts.map(text).collect::<Set>());
    let hosts = inside.values(&["pid", "ipc", "uts", "userns", "network", "cgroupns"]);
    let asks = ["privileged", "cap-add", "device", "security-opt", "use-api-socket", "gpus"];
    let privileged = asks.iter().any(|name| inside.has(name))
        || hosts.into_iter().any(|value| value == b"host" || value.starts_with(b"container:"));
    action.set(Container::PRIVILEGED, privileged);
}

/// The call of a tool in a container, kept to change it.
#[derive(Debug)]
struct InContainer {
    kept: Kept,
    change: Change,
}

impl Edit for InContainer {
    /// Makes the changes that the tool inside knows, in its part of the argument vector.
    fn edit(&self, context: &Context<'_>, rewrites: &[Rewrite]) -> Result<Changed, CannotRewrite> {
        let Context { call, tools, .. } = *context;
        let cannot = |reason: &str| CannotRewrite::first_of(rewrites, reason);
        // Here the action of this call comes before those of the inner one, in the place of the
        // call-level one.
        let shifted = rewrites.iter().map(|rewrite| {
            let action = rewrite.action.checked_sub(1).filter(|action| *action > 0);
            action.map(|action| Rewrite { action, ..rewrite.clone() })
        });
        let shifted: Option<Vec<Rewrite>> = shifted.collect();
        let shifted = shifted.ok_or_else(|| cannot("the tool knows no such change"))?;
        let inner = self.kept.call(call);
        let inner = inner.call();
        let changed = tools.rewrite(&inner, &self.change, &shifted)?;
        let mut argv: Vec<Vec<u8>> = call.argv.iter().map(|arg| arg.to_vec()).collect();
        argv.truncate(self.kept.at);
        argv.extend(changed.argv);
        if changed.env.iter().map(Vec::as_slice).ne(inner.env.iter().copied()) {
            return Err(cannot("the environment inside a container is not changed"));
        }
        Ok(Changed { argv, stdin: changed.stdin, files: changed.files, ..Changed::default() })
    }
}

#[cfg(test)]
mod tests;
