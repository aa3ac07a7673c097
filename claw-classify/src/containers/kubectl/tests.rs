//! Command lines and their actions.

use super::*;
use crate::Tools;
use crate::call::files::{Files, NoFiles};
use claw_policy::{Reading, Value};

fn actions(words: &str, env: &[&[u8]]) -> Vec<Action> {
    let argv: Vec<&[u8]> = std::iter::once(&b"kubectl"[..])
        .chain(words.split_whitespace().map(str::as_bytes))
        .collect();
    classify(
        &Tools::BUILT_IN
            .context(&Call { argv: &argv, env, names: &[b"kubectl"], ..Call::default() }, &NoFiles),
    )
}

/// `effect resource/name,name`, one for each action; `?` for what is opaque.
fn shown(words: &str) -> String {
    let word = |action: &Action, name| match action.fact(name) {
        Some(Reading::Known(Value::Str(word))) => word.clone(),
        Some(Reading::Known(Value::Set(words))) => {
            words.iter().cloned().collect::<Vec<_>>().join(",")
        }
        Some(Reading::Known(other)) => panic!("{other:?}"),
        Some(Reading::Opaque(_)) => "?".to_owned(),
        None => String::new(),
    };
    let found = actions(words, &[]);
    let shown = found.iter().map(|action| {
        let names = [word(action, "resource"), word(action, "names")];
        let names = names.iter().filter(|name| !name.is_empty()).map(String::as_str);
        let names = names.collect::<Vec<_>>().join("/");
        format!("{} {names}", word(action, "effect")).trim().to_owned()
    });
    shown.collect::<Vec<_>>().join("; ")
}

#[test]
fn effects_and_resources() {
    for (words, expected) in [
        ("get pods", "read pods"),
        ("get po a b", "read pods/a,b"),
        ("get pods,secrets", "read pods; secret secrets"),
        ("get pod/a secret/b pod/c", "read pods/a,c; secret secrets/b"),
        ("get SECRETS", "secret secrets"),
        ("get secrets.v1.", "secret secrets"),
        ("describe Secret db", "secret secrets/db"),
        ("get -- secrets", "secret secrets"),
        ("get pods -- web", "read pods/web"),
        ("delete -- ns prod", "destroy namespaces/prod"),
        ("create job j --image=i -- date", "write jobs/j"),
        ("get pod/web db", "? ?/?"),
        ("get pod web secret/db", "? ?/?"),
        ("apply --prune -f x", "destroy ?/?"),
        ("expose deploy web --port 80", "write deployments/web; write services/web"),
        (
            "autoscale deploy web --name n --max 3",
            "write deployments/web; write horizontalpodautoscalers/n",
        ),
        ("get deploy secrets-store-csi-driver", "read deployments/secrets-store-csi-driver"),
        ("get pod delete", "read pods/delete"),
        ("get pods -l app=secret", "read pods"),
        ("get -f s.yaml", "? ?/?"),
        ("apply -f s.yaml", "write ?/?"),
        ("delete -k x", "destroy ?/?"),
        ("get --raw /api/v1/secrets", "secret secrets"),
        ("get --raw /apis/metrics.k8s.io/v1beta1/nodes", "read nodes"),
        ("delete --raw /api/v1/namespaces/p/pods/x", "destroy pods/x"),
        ("create --raw /x -f y", "write ?/?"),
        ("logs web", "read pods/web"),
        ("logs deploy/web", "read deployments/web"),
        ("exec web -- cat /x", "exec pods/web"),
        ("cp web:/a b", "exec"),
        ("port-forward svc/db 1:2", "tunnel services/db"),
        ("proxy", "tunnel"),
        ("drain n1", "destroy nodes/n1"),
        ("label ns prod x=y y-", "write namespaces/prod"),
        ("annotate pods --all x-", "write pods"),
        ("set image deploy/web web=x", "write deployments/web"),
        ("rollout restart deploy/web", "write deployments/web"),
        ("rollout status deploy web", "read deployments/web"),
        ("scale --replicas=0 deploy/web", "destroy deployments/web"),
        ("replace --force -f x", "destroy ?/?"),
        ("create secret generic db", "write secrets/db"),
        ("create token sa", "secret serviceaccounts/sa"),
        ("config view", "local"),
        ("config view --raw", "secret"),
        ("config view --raw=false", "local"),
        ("config use-context p", "config"),
        ("wait --for=jsonpath={.data.x} secret/db", "secret secrets/db"),
        ("explain secrets", "read"),
        ("auth can-i get secrets", "read"),
        ("delete --help", "local"),
        ("help delete", "local"),
        ("kustomize --enable-helm x", "exec"),
        ("frob", "? ?/?"),
        ("get pods --frob", "? ?/?"),
        ("", "local"),
    ] {
        assert_eq!(shown(words), expected, "{words}");
    }
}

#[test]
fn an_external_diff_program_runs_here() {
    let found = actions("diff -f x", &[b"KUBECTL_EXTERNAL_DIFF=sh -c id"]);
    assert_eq!(found[0].fact("effect"), Some(Reading::Known(&Value::from("exec"))));
    let programs: Value = ["KUBECTL_EXTERNAL_DIFF"].into_iter().collect();
    assert_eq!(found[0].fact("programs"), Some(Reading::Known(&programs)));
}

#[derive(Debug)]
struct Given(&'static str);

impl Files for Given {
    fn file(&self, _: &[u8]) -> crate::call::files::File<'_> {
        crate::call::files::File::content(self.0.as_bytes())
    }
}

#[test]
fn manifests_are_read_where_they_are_given() {
    let read = |words: &str, content| {
        let argv: Vec<&[u8]> = words.split(' ').map(str::as_bytes).collect();
        let found = classify(
            &Tools::BUILT_IN.context(&Call { argv: &argv, ..Call::default() }, &Given(content)),
        );
        let fact = |action: &Action, name| match action.fact(name) {
            Some(Reading::Known(Value::Str(word))) => word.clone(),
            _ => "?".to_owned(),
        };
        let shown = found
            .iter()
            .map(|action| format!("{} {}", fact(action, "effect"), fact(action, "resource")));
        shown.collect::<Vec<_>>().join("; ")
    };
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
    assert_eq!(read("kubectl get -f m.yaml", map), "read configmaps");
    assert_eq!(
        read("kubectl diff -f m.yaml", "kind: Pod\n---\nkind: Secret"),
        "read pods; secret secrets"
    );
    assert_eq!(read("kubectl apply -f m.yaml", map), "write configmaps");
    assert_eq!(read("kubectl get -f m.yaml,n.yaml", map), "read configmaps");
    assert_eq!(read("kubectl get -f \"m.yaml\"", map), "? ?");
    assert_eq!(read("kubectl get -f m.yaml", "kind: !x Secret"), "? ?");
    assert_eq!(read("kubectl get -k d", map), "? ?");
}

#[test]
fn cluster_user_and_namespace_are_facts() {
    let found = actions("get pods -n p --context c --as root", &[b"KUBECONFIG=/tmp/k"]);
    let fact = |name| found[0].fact(name);
    assert_eq!(fact("namespace"), Some(Reading::Known(&Value::from("p"))));
    assert_eq!(fact("context"), Some(Reading::Known(&Value::from("c"))));
    assert_eq!(fact("kubeconfig"), Some(Reading::Known(&Value::from("/tmp/k"))));
    let options: Value = ["as", "context", "namespace"].into_iter().collect();
    assert_eq!(fact("options"), Some(Reading::Known(&options)));
    let everywhere = actions("get pods -A -n p", &[]);
    assert_eq!(everywhere[0].fact("namespace"), Some(Reading::Known(&Value::from("*"))));
}

#[test]
fn every_command_of_the_table_has_an_effect() {
    for line in include_str!("options.tsv").lines() {
        if let ["command", path, _] = line.split('\t').collect::<Vec<_>>()[..] {
            assert!(effect(path).is_some(), "{path}");
        }
    }
}

#[test]
fn command_lines_are_read_as_kubectl_reads_them() {
    for (words, expected) in [
        ("get pods", "get pods"),
        ("--user get delete pod x --wait=false", "delete --user=get --wait=false pod x"),
        ("-v 6 delete ns prod", "delete --v=6 ns prod"),
        ("-nprod get po -oyaml", "get --namespace=prod --output=yaml po"),
        ("get po -A -owide -w", "get --all-namespaces --output=wide --watch po"),
        ("get po -Aowide", "get --all-namespaces --output=wide po"),
        ("get -l=app po", "get --selector=app po"),
        ("get --all_namespaces po", "get --all-namespaces po"),
        ("--context delete get pods", "get --context=delete pods"),
        ("-A get pods", "foreign"),
        ("rollout restart deploy/web", "rollout restart deploy/web"),
        ("rollout frob", "rollout frob"),
        ("top po -n x", "top pod --namespace=x"),
        (
            "create deploy web --image=x --dry-run server",
            "create deployment --image=x --dry-run web server",
        ),
        ("create frob", "foreign"),
        ("create -f x", "create --filename=x"),
        ("exec web -c app -- cat -n /x", "exec --container=app web -- cat -n /x"),
        ("frob pods", "foreign"),
        ("get --frob", "refused"),
        ("get po --watch=maybe", "refused"),
        ("get po -w=maybe", "refused"),
        ("get po -w=0", "get --watch=0 po"),
        ("get -z", "refused"),
        ("get pods -o", "refused"),
        ("get --outp json", "refused"),
        ("", ""),
        ("-- get pods", " -- get pods"),
        ("help get", "help get"),
        ("get --help", "get --help"),
        ("config use prod", "config use-context prod"),
    ] {
        assert_eq!(cobra::tests::shown(&COMMANDS, words), expected, "{words}");
    }
}
