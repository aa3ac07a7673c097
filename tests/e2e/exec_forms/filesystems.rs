//! Where the file lies: other mount namespaces, overlays, links. The proof compares device and inode, which each
//! of these can make look different from inside and outside.

use std::os::unix::fs::symlink;

use claw_tests::call::Call;
use claw_tests::claw::Guard;
use claw_tests::scenario::{Scenario, tool};
use claw_tests::sighting::Sighting;
use claw_tests::tracee::Linkage;

use crate::stage::{Stage, assert_allowed, assert_denied, assert_rewritten, guard};

/// Mounts an overlay at `STAGE/merged` whose upper folder is on a file system of its own, then runs its arguments.
/// The namespace and with it every mount ends with the last of them.
const OVERLAY: &str = r#"
set -e
stage=$1; shift
mount --make-rprivate /
mount -t tmpfs claw-upper "$stage/upper"
mkdir "$stage/upper/upper" "$stage/upper/work"
mount -t overlay overlay -o "lowerdir=$stage/lower,upperdir=$stage/upper/upper,workdir=$stage/upper/work" "$stage/merged"
cp "$stage/witness" "$stage/merged/from-upper"
cp "$stage/forbidden" "$stage/merged/forbidden"
chmod 0755 "$stage/merged/copied-up"
exec "$@"
"#;

/// A stage with folders for an overlay, and the command that has it mounted.
fn overlay() -> (Stage, Vec<String>) {
    let stage = Stage::new(Linkage::Static);
    for name in ["from-lower", "copied-up", "psql"] {
        stage.place(&format!("lower/{name}"), Linkage::Static);
    }
    for name in ["upper", "merged"] {
        std::fs::create_dir(stage.path(name)).expect("the stage is ours");
    }
    let unshare = tool(&["/usr/bin/unshare"]).display().to_string();
    let folder = stage.folder().display().to_string();
    let words = [&unshare, "--mount", "/bin/sh", "-c", OVERLAY, "sh", &folder];
    (stage, words.into_iter().map(str::to_owned).collect())
}

/// The call run bare, through `prefix`.
fn bare(prefix: &[String], words: &[&str]) -> Sighting {
    let argv = prefix.iter().map(String::as_str).chain(words.iter().copied());
    Sighting::of(&Call::new(argv).bare().exits(0))
}

#[test]
fn files_of_an_overlay_are_proven() {
    let (stage, prefix) = overlay();
    let guard = guard().inside(&prefix);
    for name in ["from-lower", "from-upper", "copied-up"] {
        let scenario =
            Scenario::new(format!("`{name}` of an overlay with its upper folder elsewhere"));
        let path = stage.path("merged").join(name).display().to_string();
        scenario.control("it runs without claw");
        let alone = bare(&prefix, &[&path, "word"]);
        scenario.then("it runs under claw, and is proven");
        let ran = Call::new([&path, "word"]).guarded(&guard).exits(0);
        assert_eq!(Sighting::of(&ran).argv, alone.argv);
        assert_allowed(&ran, "word");
    }
    let scenario = Scenario::new("denied and rewritten files of an overlay");
    let at = |name: &str| stage.path("merged").join(name).display().to_string();
    let psql = [at("psql"), "-X".to_owned(), "-c".to_owned(), "SELECT * FROM users".to_owned()];
    scenario.control("both run without claw");
    let alone = bare(&prefix, &psql.each_ref().map(String::as_str));
    bare(&prefix, &[&at("forbidden")]);
    scenario.then("under claw the one has a limit and the other does not run");
    assert_rewritten(&Call::new(&psql).guarded(&guard).exits(0), &alone);
    let ran = stage.assert_does_not_run(&Call::new([at("forbidden")]), &guard);
    assert_denied(&ran, "no-forbidden");
}

#[test]
fn an_overlay_as_the_root_is_proven() {
    let (stage, prefix) = overlay();
    let guard = guard().inside(&prefix);
    let chroot = tool(&["/usr/sbin/chroot"]).display().to_string();
    let root = stage.path("merged").display().to_string();
    for name in ["from-lower", "from-upper", "copied-up"] {
        let scenario = Scenario::new(format!("`/{name}` with an overlay as the root"));
        let words = [chroot.clone(), root.clone(), format!("/{name}"), "word".to_owned()];
        scenario.control("it runs without claw");
        let alone = bare(&prefix, &words.each_ref().map(String::as_str));
        assert_eq!(alone.cwd, "/");
        scenario.then("it runs under claw, and is proven");
        let ran = Call::new(&words).guarded(&guard).exits(0);
        assert_eq!(Sighting::of(&ran).argv, alone.argv);
        assert_allowed(&ran, "word");
    }
}

/// Binds `STAGE/elsewhere` over `STAGE/here` in a namespace of its own, and runs `STAGE/here/tool` there.
const BIND: &str = r#"
set -e
stage=$1; shift
exec unshare --mount sh -c 'mount --bind "$1/elsewhere" "$1/here" && stage=$1 && shift && exec "$stage/here/tool" "$@"' sh "$stage" "$@"
"#;

#[test]
fn another_mount_namespace_is_judged_inside() {
    let scenario = Scenario::new("a bind mount in a namespace that only the command is in");
    let stage = Stage::new(Linkage::Static);
    stage.place("here/tool", Linkage::Static);
    stage.place("elsewhere/forbidden", Linkage::Static);
    symlink("forbidden", stage.path("elsewhere/tool")).expect("the stage is ours");
    scenario.given("`here/tool` is harmless outside, and leads to `forbidden` inside");
    let folder = stage.folder().display().to_string();
    let call = Call::new(["/bin/sh", "-c", BIND, "sh", &folder, "word"]);
    scenario.control("without claw what is inside runs");
    stage.assert_runs(&call);
    scenario.then("under claw it is judged as what it is inside, or the namespace is refused");
    let ran = stage.assert_does_not_run(&call, &guard());
    assert!(ran.code().is_some_and(|code| code != 0), "{}", ran.story());
    if ran.records.iter().any(|record| record.verdict() == "deny") {
        assert_denied(&ran, "no-forbidden");
    } else {
        assert!(ran.err().contains("unshare"), "{}", ran.story());
    }
}

#[test]
fn a_command_in_another_mount_namespace_is_proven() {
    let scenario = Scenario::new("a harmless program in a namespace of its own");
    let stage = Stage::new(Linkage::Static);
    stage.place("here/nothing", Linkage::Static);
    stage.place("elsewhere/tool", Linkage::Static);
    let folder = stage.folder().display().to_string();
    let call = Call::new(["/bin/sh", "-c", BIND, "sh", &folder, "word"]);
    scenario.control("it runs without claw");
    let alone = Sighting::of(&call.bare().exits(0));
    scenario.then("it runs under claw, and is proven");
    let ran = call.guarded(&guard()).exits(0);
    assert_eq!(Sighting::of(&ran).surroundings(), alone.surroundings());
    assert_allowed(&ran, "word");
}

#[test]
fn links_are_seen_through() {
    let scenario = Scenario::new("a symlink and a chain of them");
    let stage = Stage::new(Linkage::Static);
    symlink("forbidden", stage.path("innocent")).expect("the stage is ours");
    symlink("innocent", stage.path("more-innocent")).expect("the stage is ours");
    symlink(".", stage.path("folder")).expect("the stage is ours");
    for name in ["innocent", "more-innocent", "folder/more-innocent", "folder/folder/innocent"] {
        let call = Call::new([stage.path(name)]).cwd("/");
        scenario.control(format!("`{name}` runs without claw"));
        stage.assert_runs(&call);
        scenario.then("and not under claw");
        let ran = stage.assert_does_not_run(&call, &guard());
        assert_denied(&ran, "no-forbidden");
    }
}

#[test]
fn relative_paths_are_judged_from_where_the_caller_is() {
    let scenario = Scenario::new("relative paths");
    let stage = Stage::new(Linkage::Static);
    stage.place("below/tool", Linkage::Static);
    for (cwd, path) in [("", "./forbidden"), ("below", "../forbidden"), ("", "below/../forbidden")]
    {
        let script = format!("exec {path} word");
        let call = Call::new(["/bin/sh", "-c", &script]).cwd(stage.path(cwd));
        scenario.control(format!("`{path}` runs without claw"));
        stage.assert_runs(&call);
        scenario.then("and not under claw");
        let ran = stage.assert_does_not_run(&call, &guard());
        assert_denied(&ran, "no-forbidden");
    }
    let call = Call::new(["/bin/sh", "-c", "cd below && exec ./tool word"]).cwd(stage.folder());
    let alone = Sighting::of(&call.bare().exits(0));
    let ran = call.guarded(&Guard::with_policy("forms")).exits(0);
    scenario.then("an allowed one keeps its directory");
    assert_eq!(Sighting::of(&ran).surroundings(), alone.surroundings());
    assert_allowed(&ran, "word");
}
