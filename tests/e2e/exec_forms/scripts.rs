//! `#!` scripts: the kernel puts other words before the script's own, and runs another file.

use claw_tests::call::Call;
use claw_tests::scenario::Scenario;
use claw_tests::sighting::Sighting;
use claw_tests::tracee::{Linkage, copy_program, program};

use crate::stage::{Stage, assert_allowed, assert_denied, guard};

/// The scripts of the stage, each of which ends up in the witness.
fn scripts(stage: &Stage) -> Vec<&'static str> {
    let witness = stage.path("witness").display().to_string();
    let folder = stage.folder().display().to_string();
    stage.script("plain", &format!("#!{witness}\n"));
    stage.script("one-argument", &format!("#!{witness} -x\n"));
    stage.script("words", &format!("#! \t{witness} \t two words \t \n"));
    stage.script("no-newline", &format!("#!{witness} -x"));
    stage.script("nested", &format!("#!{folder}/one-argument -y\n"));
    stage.script("nested-thrice", &format!("#!{folder}/nested\n"));
    stage.script("nested-four", &format!("#!{folder}/nested-thrice -z\n"));
    stage.script("relative", "#!./witness -r\n");
    stage.script("env", &format!("#!/usr/bin/env -S {witness} -e\n"));
    vec![
        "plain",
        "one-argument",
        "words",
        "no-newline",
        "nested",
        "nested-thrice",
        "nested-four",
        "relative",
        "env",
    ]
}

fn start(stage: &Stage, form: &str, script: &str) -> Call {
    let starter = program("spawn_forms", Linkage::Static);
    let path = stage.path(script);
    let argv = [
        starter.as_os_str(),
        form.as_ref(),
        path.as_os_str(),
        "argv0".as_ref(),
        "last word".as_ref(),
    ];
    Call::new(argv).cwd(stage.folder())
}

#[test]
fn scripts_run_as_without_claw_and_are_proven() {
    for linkage in [Linkage::Static, Linkage::Dynamic] {
        let stage = Stage::new(linkage);
        for script in scripts(&stage) {
            for form in ["execve", "vfork", "thread", "dirfd", "fexecve", "chdir"] {
                let scenario =
                    Scenario::new(format!("the script `{script}` by {form}, {linkage:?}"));
                let call = start(&stage, form, script);
                scenario.control("what the interpreter sees without claw");
                let bare = Sighting::of(&call.bare().exits(0));
                assert!(bare.argv.len() >= 3, "{bare:?}");
                scenario.then("it sees the same under claw, and is proven");
                let ran = call.guarded(&guard()).exits(0);
                assert_eq!(Sighting::of(&ran).surroundings(), bare.surroundings());
                assert_allowed(&ran, "last word");
            }
        }
    }
}

#[test]
fn a_script_starts_no_forbidden_interpreter() {
    let scenario = Scenario::new("a script whose interpreter is forbidden");
    let stage = Stage::new(Linkage::Static);
    let folder = stage.folder().display().to_string();
    stage.script("to-forbidden", &format!("#!{folder}/forbidden -x\n"));
    stage.script("to-it-nested", &format!("#!{folder}/to-forbidden\n"));
    for script in ["to-forbidden", "to-it-nested"] {
        let call = start(&stage, "fork", script);
        scenario.control(format!("`{script}` runs without claw"));
        stage.assert_runs(&call);
        scenario.then("and does not under claw");
        let ran = stage.assert_does_not_run(&call, &guard());
        assert_denied(&ran, "no-forbidden");
    }
}

#[test]
fn a_script_is_no_way_around_a_tool() {
    let scenario = Scenario::new("a script whose interpreter is psql");
    let stage = Stage::new(Linkage::Static);
    let folder = stage.folder().display().to_string();
    stage.script("drop", &format!("#!{folder}/psql -cDROP TABLE users\n"));
    let call = start(&stage, "fork", "drop");
    scenario.control("it runs without claw");
    stage.assert_runs(&call);
    scenario.then("and is judged as psql under claw");
    let ran = stage.assert_does_not_run(&call, &guard());
    assert!(ran.records.iter().any(|record| record.verdict() == "deny"), "{}", ran.story());
}

#[test]
fn broken_scripts_fail_as_without_claw() {
    let stage = Stage::new(Linkage::Static);
    let folder = stage.folder().display().to_string();
    stage.script("no-interpreter", "#!/nowhere/interpreter\n");
    stage.script("empty-interpreter", "#!  \n");
    stage.script("to-folder", &format!("#!{folder}\n"));
    stage.script("to-data", &format!("#!{folder}/data\n"));
    stage.script("data", "no program\n");
    stage.script("empty", "");
    stage.script("to-unexecutable", &format!("#!{folder}/unexecutable\n"));
    copy_program(stage.path("witness"), stage.path("unexecutable"));
    stage.executable("unexecutable", false);
    stage.script("itself", &format!("#!{folder}/itself\n"));
    stage.script("deep-0", &format!("#!{folder}/witness\n"));
    for depth in 1..=6 {
        stage.script(&format!("deep-{depth}"), &format!("#!{folder}/deep-{}\n", depth - 1));
    }
    stage.script("cut-off", &format!("#!{}/{}\n", folder, "x".repeat(300)));
    let scripts = [
        "no-interpreter",
        "empty-interpreter",
        "to-folder",
        "to-data",
        "data",
        "empty",
        "to-unexecutable",
        "itself",
        "deep-3",
        "deep-4",
        "deep-5",
        "deep-6",
        "cut-off",
    ];
    for script in scripts {
        let scenario = Scenario::new(format!("the broken script `{script}`"));
        let errno_of = program("errno_of", Linkage::Static);
        let path = stage.path(script);
        let call = Call::new([errno_of.as_os_str(), "path".as_ref(), path.as_os_str()]);
        let strip = |text: String| {
            // A chain that is short enough does run the witness: its process id differs.
            text.lines()
                .filter(|line| !line.contains("pid ") && !line.contains("pipe:"))
                .collect::<Vec<_>>()
                .join("\n")
        };
        let bare = strip(call.bare().exits(0).out());
        scenario.control(format!("the kernel says {bare}"));
        let ran = call.guarded(&guard()).exits(0);
        scenario.then("so does claw");
        assert_eq!(strip(ran.out()), bare, "{}", ran.story());
    }
}
