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
        assert!(OPERATIONS.row(path).is_some(), "{path}");
    }
}
