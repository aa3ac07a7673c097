use super::super::places;
use super::*;

/// A live call's folders, with one link.
#[derive(Debug)]
struct Live {
    start: &'static [u8],
    cwd: Option<&'static [u8]>,
    link: (&'static [u8], &'static [u8]),
}

impl crate::Ground for Live {
    fn start(&self) -> Option<&[u8]> {
        Some(self.start)
    }

    fn working_directory(&self) -> Option<&[u8]> {
        self.cwd
    }

    fn real(&self, path: &[u8]) -> Option<Vec<u8>> {
        let path = match path.strip_prefix(self.link.0) {
            Some(rest) => [self.link.1, rest].concat(),
            None => path.to_vec(),
        };
        Some(path)
    }
}

fn written(path: &str, cwd: Option<&str>) -> &'static str {
    let env: &[&[u8]] = &[b"HOME=/home/me"];
    let call = Call { cwd: cwd.map(str::as_bytes), env, ..Call::default() };
    Folders::of(&call).place(path.as_bytes()).expect("text is enough").unwrap_or("-")
}

#[test]
fn places_of_written_calls() {
    for (path, expected) in [
        ("a.json", "workspace"),
        ("./b/../a.json", "workspace"),
        ("/home/me/app/out/a", "workspace"),
        ("../app/a", "workspace"),
        (".cache/a", "workspace"),
        (".bashrc", "startup"),
        (".git/hooks/pre-commit", "startup"),
        ("sub/.envrc", "startup"),
        ("ansible.cfg", "startup"),
        (".ssh/config", "credentials"),
        ("keys/id_ed25519", "credentials"),
        ("../a", "home"),
        ("../.bashrc", "startup"),
        ("../.aws/config", "credentials"),
        ("/home/you/x", "home"),
        ("/root/x", "home"),
        ("~/x", "home"),
        ("~/.profile", "startup"),
        ("/tmp/a", "temporary"),
        ("/tmp/.tmpAbc/a", "temporary"),
        ("/tmp/x/.git/config", "startup"),
        ("/var/tmp/a", "temporary"),
        ("/dev/shm/a", "temporary"),
        ("/tmp", "temporary"),
        (".", "workspace"),
        ("/tmp/../etc/cron.d/x", "system"),
        ("/etc/passwd", "system"),
        ("/usr/local/bin/psql", "system"),
        ("/dev/sda", "system"),
        ("/data/x", "elsewhere"),
        ("/home/me/app", "workspace"),
        ("/dev/null", "-"),
        ("/dev/./stdout", "-"),
        ("/proc/self/fd/1", "-"),
    ] {
        assert_eq!(written(path, Some("/home/me/app")), expected, "{path}");
    }
}

#[test]
fn a_call_that_does_not_say_where_it_is_made_is_made_in_the_workspace() {
    for (path, expected) in [
        ("a", "workspace"),
        (".npmrc", "startup"),
        ("../a", "elsewhere"),
        ("a/../../b", "elsewhere"),
        ("~/a", "home"),
        ("/tmp/a", "temporary"),
        ("/etc/a", "system"),
    ] {
        assert_eq!(written(path, None), expected, "{path}");
    }
}

#[test]
fn some_sessions_have_no_workspace() {
    for (start, expected) in [
        ("/", "elsewhere"),
        ("/home", "home"),
        ("/home/me", "home"),
        ("/home/you", "home"),
        ("/root", "home"),
        ("/etc", "system"),
        ("/usr/local/bin", "system"),
        ("/opt", "system"),
        ("/var/log", "system"),
        ("/home/me/.ssh", "credentials"),
        ("/home/me/.config/x", "startup"),
        ("/usr/src/app", "workspace"),
        ("/opt/app", "workspace"),
        ("/srv/app", "workspace"),
        ("/var/www/app", "workspace"),
        ("/workspace", "workspace"),
        ("/home/me/.worktrees/a", "workspace"),
        ("/tmp", "workspace"),
        ("/var/tmp", "workspace"),
    ] {
        assert_eq!(written("dir/a", Some(start)), expected, "{start}");
    }
}

#[test]
fn live_calls_are_judged_without_links_and_by_where_the_session_started() {
    let place = |live: &Live, path: &str| {
        let call = Call { ground: Some(live), ..Call::default() };
        Folders::of(&call).place(path.as_bytes())
    };
    let live = Live { start: b"/w", cwd: Some(b"/w/sub"), link: (b"/w/sub/link", b"/root") };
    assert_eq!(place(&live, "a"), Ok(Some("workspace")));
    assert_eq!(place(&live, "../a"), Ok(Some("workspace")));
    assert_eq!(place(&live, "../../a"), Ok(Some(ELSEWHERE)));
    assert_eq!(place(&live, "link"), Ok(Some("home")));
    assert_eq!(place(&live, "link/.bashrc"), Ok(Some("startup")));
    let lost = Live { cwd: None, ..live };
    assert_eq!(place(&lost, "a"), Err(Unknown));
    assert_eq!(place(&lost, "/w/a"), Ok(Some("workspace")));
}

#[test]
fn every_place_is_named() {
    let watch = crate::Watch::default();
    let call = Call { watch: Some(&watch), ..Call::default() };
    for path in ["/root/.ssh/x", "/data", "/root/a", ".x", "/etc", "/tmp/a", "a"] {
        call.writes(path);
    }
    let places = places(&watch.outputs, &call).expect("known");
    assert_eq!(places.iter().map(String::as_str).collect::<Vec<_>>(), crate::exec::PLACES);
}
