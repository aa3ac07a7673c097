//! Command lines and their facts.

use claw_policy::Value;
use proptest::prelude::*;

use super::*;
use crate::Tools;
use crate::call::files::File;
use crate::corpus;

#[test]
fn corpus() {
    corpus::check(include_str!("../../../corpus/aws.toml"));
}

proptest! {
    #[test]
    fn arbitrary_words_never_panic(words in proptest::collection::vec(".{0,12}|--[a-z-]{0,12}|s3|ssm|get-parameter", 0..8)) {
        let argv: Vec<&[u8]> = std::iter::once("aws").chain(words.iter().map(String::as_str)).map(str::as_bytes).collect();
        let call = Call { argv: &argv, names: &[b"aws"], ..Call::default() };
        prop_assert_eq!(classify(&Tools::BUILT_IN.context(&call, &crate::NoFiles)).len(), 1);
    }

    /// Where an option of the program comes makes no difference to what the call does.
    #[test]
    fn options_of_the_program_stand_anywhere(at in 1_usize..7, option in "--region=x|--debug|--out=json|--no-pag") {
        let plain: Vec<&[u8]> = vec![b"aws", b"ssm", b"get-parameter", b"--name", b"/db", b"--with-decryption"];
        let mut argv = plain.clone();
        argv.insert(at.min(plain.len()), option.as_bytes());
        let call = Call { argv: &argv, names: &[b"aws"], ..Call::default() };
        let found = classify(&Tools::BUILT_IN.context(&call, &crate::NoFiles));
        let effect = found[0].fact("effect");
        prop_assert!(matches!(effect, Some(claw_policy::Reading::Known(Value::Str(effect))) if effect == "secret"), "{effect:?}");
    }
}

/// One file.
#[derive(Debug, Clone, Copy)]
struct Only(&'static [u8], &'static [u8]);

impl Files for Only {
    fn file(&self, path: &[u8]) -> File<'_> {
        if path == self.0 { File::content(self.1) } else { File::ABSENT }
    }
}

fn with_file(words: &str, env: &[&[u8]], file: Only) -> String {
    let argv: Vec<&[u8]> = words.split(' ').map(str::as_bytes).collect();
    let call = Call { argv: &argv, env, names: &[b"aws"], ..Call::default() };
    corpus::shown(&classify(&Tools::BUILT_IN.context(&call, &file)))
}

#[test]
fn settings_files_are_judged_by_content() {
    let calm = b"[default]\nregion = eu-west-1\noutput = json\n";
    let runs = b"[profile x]\ncredential_process = /tmp/x\nendpoint_url = http://evil.example/\n";
    let env: &[&[u8]] = &[b"AWS_CONFIG_FILE=/tmp/c"];
    let expected = "effect=read operation=ls service=s3";
    assert_eq!(with_file("aws s3 ls", env, Only(b"/tmp/c", calm)), expected);
    assert_eq!(
        with_file("aws s3 ls", env, Only(b"/tmp/c", runs)),
        "effect=read endpoints=evil.example operation=ls service=s3 settings=credential_process"
    );
    assert_eq!(
        with_file("aws s3 ls", &[b"HOME=/h"], Only(b"/h/.aws/config", runs)),
        "effect=read endpoints=evil.example operation=ls service=s3 settings=credential_process"
    );
}

#[test]
fn an_alias_takes_a_command_s_place() {
    let alias = b"[toplevel]\ns3 = ec2 terminate-instances\n";
    let found = with_file("aws s3 ls", &[], Only(b"~/.aws/cli/alias", alias));
    assert_eq!(found, "effect=read operation=ls service=s3 settings=alias");
    let found = with_file("aws ec2 describe-vpcs", &[], Only(b"~/.aws/cli/alias", alias));
    assert_eq!(found, "effect=read operation=describe-vpcs service=ec2");
}

#[test]
fn parameters_in_files_are_named_where_they_are_not_known() {
    let words = "aws ec2 describe-vpcs --filters file://f.json";
    let found = with_file(words, &[], Only(b"f.json", b"[]"));
    assert_eq!(found, "effect=read operation=describe-vpcs options=filters service=ec2");
    assert_eq!(
        corpus::shown(&corpus::actions(words)),
        "effect=read files=f.json operation=describe-vpcs options=filters service=ec2"
    );
}

#[test]
fn every_credential_of_the_table_is_a_command() {
    for line in include_str!("credentials.tsv").lines().filter(|line| !line.starts_with('#')) {
        let path = line.split('\t').next().unwrap();
        assert!(operations::find(path).is_some(), "{path}");
    }
}

#[test]
fn a_call_that_asks_on_the_terminal_is_opaque() {
    let words = "aws ec2 describe-vpcs";
    let home: &[&[u8]] = &[b"HOME=/h"];
    let on = b"[profile x]\ncli_auto_prompt = on-partial\n";
    let off = b"[profile x]\ncli_auto_prompt = off\n";
    let config = |content| Only(b"/h/.aws/config", content);
    let is_opaque = |said: String| !said.contains("effect=read");
    assert!(is_opaque(with_file(words, home, config(on))));
    assert!(is_opaque(with_file("aws ec2 describe-vpcs --cli-auto-prompt", home, config(off))));
    assert!(is_opaque(with_file(words, &[b"AWS_CLI_AUTO_PROMPT=on"], config(off))));
    assert!(!is_opaque(with_file(words, home, config(off))));
    assert!(!is_opaque(with_file(&format!("{words} --no-cli-auto-prompt"), home, config(on))));
    let quiet: &[&[u8]] = &[b"HOME=/h", b"AWS_CLI_AUTO_PROMPT=off"];
    assert!(!is_opaque(with_file(words, quiet, config(on))));
}

/// The fact `name` of a call, as text.
fn fact_of(words: &str, name: &str) -> String {
    format!("{:?}", corpus::actions(words)[0].fact(name))
}

/// Every spelling of the same operand gives the same fact, and no other operand does.
#[test]
fn an_operand_is_the_same_in_every_spelling() {
    for (fact, spellings, other) in [
        (
            "buckets",
            &[
                "aws s3 ls s3://b/k",
                "aws s3 ls s3://b",
                "aws --region x s3 ls --recursive s3://b/k",
                "aws s3api head-object --bucket b --key k",
                "aws s3api head-object --key=k --bucket=b",
                "aws s3api list-objects --bucket arn:aws:s3:::b",
                "aws s3api get-object --key k out --bucket b",
            ][..],
            "aws s3 ls s3://c/b",
        ),
        (
            "keys",
            &[
                "aws s3 cp s3://b/d/k out",
                "aws s3api head-object --bucket b --key d/k",
                "aws s3api get-object --bucket b --key d/k out",
                "aws s3api get-object --bucket b --key=d/k out",
            ],
            "aws s3api head-object --bucket b --key /d/k",
        ),
        (
            "resources",
            &[
                "aws lambda get-policy --function-name f",
                "aws lambda get-policy --function-name=f:live",
                "aws lambda get-policy --function-name 1:function:f",
                "aws lambda get-policy --function-name arn:aws:lambda:eu-west-1:1:function:f",
                "aws lambda get-policy --function-name arn:aws:lambda:eu-west-1:1:function:f:live",
            ],
            "aws lambda get-policy --function-name g",
        ),
        (
            "resources",
            &[
                "aws ecs list-services --cluster c",
                "aws ecs list-services --cluster arn:aws:ecs:eu-west-1:1:cluster/c",
            ],
            "aws ecs list-services --cluster d",
        ),
        (
            "outputs",
            &[
                "aws s3api get-object --bucket b --key k /r/f",
                "aws s3api get-object /r/f --bucket b --key k",
                "aws s3api get-object --bucket b /r/./f --key k",
                "aws s3api get-object --bucket=b --key=k /r//f",
            ],
            "aws s3api get-object --bucket b --key k f",
        ),
    ] {
        let first = fact_of(spellings[0], fact);
        assert!(first.contains("Known"), "{first}");
        for spelling in spellings {
            assert_eq!(fact_of(spelling, fact), first, "{spelling}");
        }
        assert_ne!(fact_of(other, fact), first, "{other}");
    }
    for hidden in [
        "aws s3api head-object --buck b --key k",
        "aws s3api head-object --cli-input-json {}",
        "aws s3api list-objects --bucket arn:aws:s3:eu-west-1:1:accesspoint/a",
        "aws s3api list-objects --bucket file://b",
    ] {
        assert!(fact_of(hidden, "buckets").contains("Opaque"), "{hidden}");
    }
    assert!(fact_of("aws s3api get-object --bucket b --key k", "outputs").contains("Opaque"));
}

/// No name makes a read of an operation of which the published data do not say that it is one.
#[test]
fn a_read_is_a_read_by_the_published_data() {
    let table = include_str!("operations.tsv").lines().filter(|line| !line.starts_with('#'));
    for path in table.filter_map(|line| line.split('\t').next()) {
        let (service, operation) = path.split_once(' ').unwrap();
        let known = operations::find(path).unwrap();
        let argv = [&b"aws"[..], service.as_bytes(), operation.as_bytes()];
        let line = command_line::read(&argv).unwrap();
        let effect = effect::effect(service, operation, known, &line);
        let waits = operation == "wait";
        if effect == Ok("read") && !waits && !effect::is_by_hand(path) {
            assert!(known.reads() && !known.returns_secret(), "{path}");
        }
        if known.returns_secret() && !effect::is_by_hand(path) {
            assert!(matches!(effect, Ok("secret" | "destroy")), "{path}");
        }
    }
}
