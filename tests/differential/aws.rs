//! aws, against a server on loopback that takes note of what a service would be asked.
//!
//! The server is the proxy of everything, so that a call to any host over plain HTTP is seen whole, and one over TLS
//! by the name of its host. A signed request says whose key signed it, for which region and which service; what it
//! asks for is in its target, its action, or its method and path. What a call did is also in the files below `~/.aws`,
//! in whether a key was printed, and in whether the program that a line names, `mkdir @RAN@`, ran.

use std::collections::BTreeSet;
use std::fs;

use claw_tests::call::Ran;

use crate::account::{self, Outcome};
use crate::claw::{Action, Judged};
use crate::line::{self, Dice, Line, bounded};
use crate::place::{self, Place};
use crate::recorder::{Answer, Recorder, Request};

/// The files in a line's working folder. claw does not see their content; it only names the files.
const FILES: &[(&str, &str)] = &[
    ("body.txt", "MARK(body.txt)"),
    ("secret.txt", "MARK(secret.txt)"),
    ("list.json", "{\"Limit\": 3}"),
    ("folder/a.txt", "MARK(a.txt)"),
    (
        "other/.aws/config",
        "[default]\nregion = eu-north-1\nendpoint_url = http://settings.example\n",
    ),
];

/// The settings, of the home folder and of those that a line names.
const SETTINGS: &[(&str, &str)] = &[
    ("home/.aws/config", "[default]\nregion = us-east-1\n\n[profile prod]\nregion = eu-west-1\n"),
    (
        "home/.aws/credentials",
        "[default]\naws_access_key_id = AKIDDEFAULT\naws_secret_access_key = THESECRET\n\n[prod]\naws_access_key_id = AKIDPROD\naws_secret_access_key = THESECRET\n",
    ),
    (
        "special/.aws/config",
        "[default]\nregion = us-east-1\n\n[profile run]\nregion = us-east-1\ncredential_process = mkdir @RAN@\n\n[profile aimed]\nregion = us-east-1\nendpoint_url = http://aimed.example\n",
    ),
    (
        "special/.aws/credentials",
        "[aimed]\naws_access_key_id = AKIDAIMED\naws_secret_access_key = THESECRET\n",
    ),
    ("aliased/.aws/config", "[default]\nregion = us-east-1\n"),
    (
        "aliased/.aws/credentials",
        "[default]\naws_access_key_id = AKIDDEFAULT\naws_secret_access_key = THESECRET\n",
    ),
    (
        "aliased/.aws/cli/alias",
        "[toplevel]\nwhoami = sts get-caller-identity\ndrop = iam delete-user\nran = !mkdir @RAN@\nsqs = !mkdir @RAN@\nsns = iam delete-user --user-name\n\n[command ec2]\ndescribe-hosts = terminate-instances\n",
    ),
];

/// Services whose requests are signed under another name than the command's.
const SIGNED_AS: &[(&str, &str)] = &[
    ("s3api", "s3"),
    ("cloudwatch", "monitoring"),
    ("ses", "email"),
    ("elbv2", "elasticloadbalancing"),
    ("stepfunctions", "states"),
    ("deploy", "codedeploy"),
    ("configservice", "config"),
];

/// Commands of the program's own, and the operation that they ask for.
const COMPOSED: &[(&str, &str)] = &[("ecr get-login-password", "get-authorization-token")];

/// Operations with what they need at least, of services that speak every protocol.
const OPERATIONS: &[&[&str]] = &[
    &["ec2", "describe-instances"],
    &["ec2", "terminate-instances", "--instance-ids", "i-1"],
    &["ec2", "stop-instances", "--instance-ids", "i-1"],
    &["iam", "list-users"],
    &["iam", "delete-user", "--user-name", "u"],
    &["sts", "get-caller-identity"],
    &["dynamodb", "list-tables"],
    &["dynamodb", "delete-table", "--table-name", "tab"],
    &["sqs", "list-queues"],
    &["sns", "list-topics"],
    &["logs", "describe-log-groups"],
    &["ecs", "list-clusters"],
    &["lambda", "list-functions"],
    &["lambda", "delete-function", "--function-name", "f"],
    &["kms", "list-keys"],
    &["secretsmanager", "list-secrets"],
    &["secretsmanager", "get-secret-value", "--secret-id", "s"],
    &["ssm", "describe-parameters"],
    &["rds", "describe-db-instances"],
    &["cloudwatch", "list-metrics"],
    &["cloudformation", "delete-stack", "--stack-name", "s"],
    &["s3api", "list-buckets"],
    &["s3api", "delete-object", "--bucket", "b", "--key", "k"],
    &["s3", "ls"],
    &["s3", "rm", "s3://b/k"],
];

/// Options of the program, some of them abbreviated.
const OPTIONS: &[&[&str]] = &[
    &["--region", "ap-south-1"],
    &["--region=ap-south-1"],
    &["--reg", "ap-south-1"],
    &["--profile", "prod"],
    &["--profile=prod"],
    &["--prof", "prod"],
    &["--output", "text"],
    &["--out=json"],
    &["--query", "x"],
    &["--query", "-x"],
    &["--no-paginate"],
    &["--no-pag"],
    &["--no-sign-request"],
    &["--no-verify-ssl"],
    &["--color", "off"],
    &["--cli-read-timeout", "5"],
    &["--cli-connect-timeout=5"],
    &["--endpoint-url", "http://made.example"],
    &["--endpoint", "http://made.example"],
    &["--version"],
    &["--cli-input-json", "{}"],
    &["--no-cli-pager"],
    &["--generate-cli-skeleton"],
    &["--max-items", "1"],
    &["--dry-run"],
    &["x"],
    &["-x"],
    &["--"],
];

#[derive(Debug)]
struct Cloud {
    place: Place,
    server: Recorder,
}

/// One request, as the service would understand it.
#[derive(Debug)]
struct Asked {
    method: String,
    host: String,
    /// Key, region and service of the signature.
    scope: Option<(String, String, String)>,
    /// The operation, in the spelling of commands, where the request names it.
    operation: Option<String>,
    path: String,
    sent: BTreeSet<String>,
}

#[test]
fn aws_is_read_as_it_reads_itself() {
    let mut lines = line::read(include_str!("lines/aws.txt"));
    lines.extend(made());
    let version = place::version("aws", &["--version"]);
    let version = version.split(' ').next().unwrap_or_default();
    account::settle("aws", version, &lines, Cloud::new, Cloud::settle);
}

/// Operations with options of the program wherever they may stand.
fn made() -> Vec<Line> {
    let mut dice = Dice::new(0xa35);
    let made = (0..bounded(25, 2000)).map(|_| {
        let mut argv = vec!["aws".to_owned()];
        argv.extend(dice.one(OPERATIONS).iter().map(|word| (*word).to_owned()));
        for _ in 0..=dice.below(2) {
            let at = 1 + dice.below(argv.len());
            argv.splice(at..at, dice.one(OPTIONS).iter().map(|word| (*word).to_owned()));
        }
        Line::made(argv).env("AWS_ENDPOINT_URL", "http://variable.example")
    });
    made.collect()
}

impl Cloud {
    fn new() -> Self {
        Self { place: Place::new(), server: Recorder::start(answer) }
    }

    fn settle(&mut self, line: &Line) -> Outcome {
        let folder = self.place.folder().to_owned();
        let mark = folder.join("ran");
        drop(fs::remove_dir(&mark));
        let names = [("@RAN@", place::text(&mark)), ("@PLACE@", place::text(&folder))];
        let line = &line.with(&names);
        let files: Vec<(&str, String)> =
            FILES.iter().map(|(name, content)| (*name, (*content).to_owned())).collect();
        self.place.lay_out(&files);
        let mut told = Vec::new();
        for (name, content) in SETTINGS {
            let (path, content) = (folder.join(name), content.replace("@RAN@", &names[0].1));
            fs::create_dir_all(path.parent().expect("below the folder")).expect("writable");
            fs::write(&path, &content).expect("writable");
            told.push((place::text(&path), content));
        }
        // A variable names it from the working folder.
        told.extend(
            FILES.last().map(|(name, content)| ((*name).to_owned(), (*content).to_owned())),
        );
        let told: Vec<(&str, String)> =
            told.iter().map(|(path, content)| (&**path, content.clone())).collect();
        let judged = self.place.judge(line, &told);
        let settings = || place::files(&folder.join("home/.aws"));
        let before = (settings(), self.place.files());
        let proxy = format!("http://127.0.0.1:{}", self.server.port());
        let aside = [
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            ("AWS_MAX_ATTEMPTS", "1".to_owned()),
            ("http_proxy", proxy.clone()),
            ("https_proxy", proxy),
        ];
        let ran = self.place.run_with(line, &aside);
        let changed = (before.0 != settings(), before.1 != self.place.files());
        let asked: Vec<Asked> = self.server.take().iter().map(asked).collect();
        compare(&judged, &ran, &asked, changed, mark.is_dir())
    }
}

fn compare(
    judged: &Judged,
    ran: &Ran,
    asked: &[Asked],
    (settings, files): (bool, bool),
    program: bool,
) -> Outcome {
    if asked.is_empty() && ran.code() != Some(0) && !settings && !files && !program {
        let said = ran.err().lines().last().unwrap_or_default().to_owned();
        let unread = judged.opaque().is_some()
            || judged.actions.iter().any(|action| action.opaque("effect").is_some());
        return Outcome::Refused { read: (!unread).then(|| judged.story()), said };
    }
    if let Some(reason) = judged.opaque() {
        return Outcome::Opaque(reason.to_owned());
    }
    let [action] = &judged.actions[..] else { return Outcome::Differs(judged.story()) };
    let story = judged.story();
    let milder = |why: String| Outcome::Milder(format!("{why}: {story}"));
    let effect = action.text("effect").unwrap_or_default();
    let is = |effects: &[&str]| action.opaque("effect").is_some() || effects.contains(&effect);
    let warned = action.opaque("settings").is_some() || !action.set("settings").is_empty();
    if program && !warned && !is(&["exec"]) {
        return milder("a program ran".to_owned());
    }
    if settings && !is(&["config"]) {
        return milder("the settings changed".to_owned());
    }
    let says = |effects: &[&str]| effects.contains(&effect);
    if files && says(&["local", "secret"]) {
        return milder("files changed".to_owned());
    }
    if files && action.text("service") == Some("s3") && !is(&["export", "destroy"]) {
        return milder("something was copied out".to_owned());
    }
    let secret = ["THESECRET", "Signature=", "X-Amz-Signature"];
    if secret.iter().any(|secret| ran.out().contains(secret)) && !is(&["secret"]) {
        return milder("what signs was printed".to_owned());
    }
    if !asked.is_empty() && says(&["local", "config"]) {
        return milder(format!("{:?}", asked[0]));
    }
    // An alias may run anything, and claw's facts say that there is one.
    if warned && action.set("settings").contains(&"alias") {
        return Outcome::Agreed;
    }
    for request in asked {
        if let Some(wrong) = wrong(action, request) {
            let text = format!("{}: {request:?}: {story}", wrong.1);
            return if wrong.0 { Outcome::Milder(text) } else { Outcome::Differs(text) };
        }
    }
    Outcome::Agreed
}

/// The first wrong fact of the action about this request, and whether it is milder than the truth.
fn wrong(action: &Action, request: &Asked) -> Option<(bool, &'static str)> {
    let effect = action.text("effect").unwrap_or_default();
    let is = |effects: &[&str]| action.opaque("effect").is_some() || effects.contains(&effect);
    let endpoints = action.set("endpoints");
    // The name of a bucket may stand before the host.
    let at = |host: &&str| request.host == **host || request.host.ends_with(&format!(".{host}"));
    let amazon = request.host.ends_with(".amazonaws.com");
    let fetched = request.scope.is_none() && !action.set("urls").is_empty();
    if !amazon && !fetched && !endpoints.iter().any(at) {
        return Some((true, "another host was asked"));
    }
    if !action.set("files").iter().any(|file| request.sent.iter().any(|sent| file.ends_with(sent)))
        && !request.sent.is_empty()
        && !is(&["write", "destroy", "exec"])
    {
        return Some((true, "a file was sent"));
    }
    let (service, operation) = (action.text("service")?, action.text("operation")?);
    let high = service == "s3" || service == "s3api";
    let deletes = request.method == "DELETE" || request.path.contains("?delete");
    if high && deletes && !is(&["destroy"]) {
        return Some((true, "something was deleted"));
    }
    if high && matches!(request.method.as_str(), "PUT" | "POST") && !is(&["write", "destroy"]) {
        return Some((true, "something was written"));
    }
    if let Some((key, region, signed)) = &request.scope {
        let own = SIGNED_AS.iter().find(|(name, _)| *name == service).map_or(service, |row| row.1);
        if signed != own {
            return Some((true, "another service was asked"));
        }
        let said = action.text("region");
        if action.opaque("region").is_none() && said.is_some_and(|said| said != region) {
            return Some((false, "another region was asked"));
        }
        let profile = action.text("profile").unwrap_or("default").to_ascii_uppercase();
        if action.opaque("profile").is_none() && key != &format!("AKID{profile}") {
            return Some((false, "another profile was used"));
        }
    }
    let path = format!("{service} {operation}");
    let operation = COMPOSED.iter().find(|row| row.0 == path).map_or(operation, |row| row.1);
    let named = request.operation.as_deref();
    if service != "s3" && named.is_some_and(|named| named != operation) && operation != "wait" {
        return Some((true, "another operation was asked for"));
    }
    None
}

fn asked(request: &Request) -> Asked {
    let (host, path) = match request.target.split_once("://") {
        Some((_, rest)) => rest.split_once('/').unwrap_or((rest, "")),
        None => (request.target.split(':').next().unwrap_or_default(), ""),
    };
    let body = String::from_utf8_lossy(&request.body).into_owned();
    let credential = request.header("authorization").and_then(|value| {
        let mut parts = value.split_once("Credential=")?.1.split(',').next()?.split('/');
        let (key, _, region, service) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        Some((key.to_owned(), region.to_owned(), service.to_owned()))
    });
    let target = request.header("x-amz-target").and_then(|target| target.split('.').next_back());
    let action = body.split('&').find_map(|pair| pair.strip_prefix("Action="));
    let marks = body.split("MARK(").skip(1).filter_map(|rest| rest.split(')').next());
    Asked {
        method: request.method.clone(),
        host: host.split(':').next().unwrap_or_default().to_owned(),
        scope: credential,
        operation: target.or(action).map(spelled),
        path: path.to_owned(),
        sent: marks.map(str::to_owned).collect(),
    }
}

/// The command of an operation: `DescribeDBInstances` is `describe-db-instances`.
fn spelled(operation: &str) -> String {
    let letters: Vec<char> = operation.chars().collect();
    let mut command = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let behind_small = at > 0 && !letters[at - 1].is_ascii_uppercase();
        let before_small = letters.get(at + 1).is_some_and(char::is_ascii_lowercase);
        if letter.is_ascii_uppercase() && at > 0 && (behind_small || before_small) {
            command.push('-');
        }
        command.push(letter.to_ascii_lowercase());
    }
    command
}

/// An answer that lets the program go on.
fn answer(request: &Request) -> Answer {
    let xml = |text: &str| {
        let mut answer = Answer::json(text);
        answer.headers = vec![
            ("Content-Type".to_owned(), "text/xml".to_owned()),
            ("ETag".to_owned(), "\"d41d8cd98f00b204e9800998ecf8427e\"".to_owned()),
            ("Last-Modified".to_owned(), "Mon, 01 Jan 2024 00:00:00 GMT".to_owned()),
        ];
        answer
    };
    let signed = asked(request).scope.map(|(_, _, service)| service).unwrap_or_default();
    let form = request.header("content-type").is_some_and(|kind| kind.contains("urlencoded"));
    match request.method.as_str() {
        "DELETE" => Answer::json("").status(204),
        _ if form => xml("<Response><Result/><ResponseMetadata/></Response>"),
        "GET" if signed == "s3" && request.target.contains("list-type") => xml(
            "<ListBucketResult><Name>b</Name><Contents><Key>k</Key><Size>4</Size><ETag>e</ETag><LastModified>2024-01-01T00:00:00.000Z</LastModified></Contents></ListBucketResult>",
        ),
        "GET" if signed == "s3" && request.path().ends_with('k') => xml("data"),
        _ if signed == "s3" => xml("<Result><UploadId>u</UploadId></Result>"),
        _ => Answer::json("{}"),
    }
}
