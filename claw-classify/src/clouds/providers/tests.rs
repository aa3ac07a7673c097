//! Command lines and their facts.

use claw_policy::{Reading, Value};
use proptest::prelude::*;

use super::*;
use crate::Tools;
use crate::call::files::{One, Unreadable};
use crate::corpus;

#[test]
fn corpus() {
    corpus::check(include_str!("../../../corpus/cloud.toml"));
}

proptest! {
    #[test]
    fn arbitrary_words_never_panic(words in proptest::collection::vec(".{0,8}|-[a-z=]{0,8}|compute|beta|instances|list|vm", 0..8)) {
        let argv: Vec<&[u8]> = std::iter::once("x").chain(words.iter().map(String::as_str)).map(str::as_bytes).collect();
        let call = Call { argv: &argv, ..Call::default() };
        for classify in [az::classify, bq::classify, gcloud::classify, gsutil::classify] {
            prop_assert_eq!(classify(&Tools::BUILT_IN.context(&call, &crate::NoFiles)).len(), 1);
        }
    }
}

/// The settings that a call finds in one file of the home folder.
fn settings(words: &str, path: &'static str, content: &'static str) -> String {
    let argv: Vec<&[u8]> = words.split(' ').map(str::as_bytes).collect();
    let call = Call { argv: &argv, env: &[b"HOME=/h"], names: &[argv[0]], ..Call::default() };
    let files = One(path.as_bytes(), content.as_bytes());
    let facts = Tools::BUILT_IN.classify(&call, &files);
    match facts.actions[1].fact("settings") {
        Some(Reading::Known(Value::Set(found))) => {
            found.iter().map(String::as_str).collect::<Vec<_>>().join(" ")
        }
        other => panic!("{words}: {other:?}"),
    }
}

#[test]
fn settings_of_the_users_files_count_like_variables() {
    const GCLOUD: &str = "/h/.config/gcloud/configurations/config_default";
    let list = "gcloud compute instances list";
    for (words, path, content, expected) in [
        (list, GCLOUD, "[core]\naccount = me@x\nproject = p\n[compute]\nzone=z\n", ""),
        (
            list,
            GCLOUD,
            "[auth]\nimpersonate_service_account = x\n[api_endpoint_overrides]\ncompute=https://h/\n",
            "api_endpoint_overrides/compute auth/impersonate_service_account",
        ),
        (list, GCLOUD, "# c\n[proxy]\nAddress: h\ntype =\n", "proxy/address"),
        (list, GCLOUD, "[proxy]\naddress\n", "proxy/address"),
        (
            "gcloud compute instances list --configuration=x",
            "/h/.config/gcloud/configurations/config_x",
            "[proxy]\naddress=h\n",
            "proxy/address",
        ),
        ("gcloud config list", GCLOUD, "[proxy]\naddress=h\n", ""),
        ("az vm list", "/h/.azure/config", "[core]\noutput=json\n[defaults]\ngroup=g\n", ""),
        ("az vm list", "/h/.azure/config", "[cloud]\nname = mine\n", "cloud/name"),
        (
            "bq ls",
            "/h/.bigqueryrc",
            "project_id = p\napi = https://h/\n[ls]\nmax_results=1\n",
            "/api",
        ),
        (
            "gsutil ls",
            "/h/.boto",
            "[Credentials]\ngs_host = h\n[GSUtil]\ndefault_project_id=p\n",
            "Credentials/gs_host",
        ),
        ("helm list", "/h/.kube/config", "users: [{name: u, user: {as: root}}]", "as"),
    ] {
        assert_eq!(settings(words, path, content), expected, "{words}: {content}");
    }
}

#[test]
fn a_settings_file_that_cannot_be_read_is_not_absent() {
    for words in ["gcloud compute instances list", "az vm list", "bq ls", "gsutil ls", "helm list"]
    {
        let argv: Vec<&[u8]> = words.split(' ').map(str::as_bytes).collect();
        let call = Call { argv: &argv, env: &[b"HOME=/h"], names: &[argv[0]], ..Call::default() };
        let facts = Tools::BUILT_IN.classify(&call, &Unreadable);
        let found = facts.actions[1].fact("settings");
        assert!(matches!(found, Some(Reading::Opaque(_))), "{words}: {found:?}");
    }
}
