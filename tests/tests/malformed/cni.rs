//! Calls of the CNI plugin: its parsing and whole calls in this process, and the program itself.
//!
//! A damaged ADD makes nothing, or all of it and DEL takes that away. In this process there is no namespace to connect, so that no ADD may
//! succeed; the program gets a real one.

use crate::lab::{Lab, Said};
use crate::tally::{Cost, Tally, house_corpus, seed};
use serde_json::{Value, json};
use wharf_cni::netns;
use wharf_cni::plugin::{self, Config, Environment};
use wharf_tests::mutate::Mutator;

/// Runs of the program; a process each is what makes them few.
const RUNS: usize = 700;

const VERBS: [&str; 7] = ["ADD", "DEL", "CHECK", "GC", "STATUS", "VERSION", "NONSENSE"];

pub fn configurations() -> Tally {
    Tally::run("CNI configurations", house_corpus("cni_config"), |input| {
        if let Err(failure) = Config::parse(input) {
            assert!(!failure.message.is_empty(), "a failure says what is wrong");
        }
    })
}

pub fn calls() -> Tally {
    let lab = Lab::new();
    let mut calls = Calls::about("/nonexistent/netns", "/nonexistent");
    let before = lab.inventory();
    let on_host = || {
        Tally::run("CNI calls", house_corpus("cni_config"), |input| {
            let (verb, variables) = calls.next();
            match plugin::answer(&Environment::of(variables), input, false) {
                Ok(_) => assert!(!matches!(verb, "ADD" | "NONSENSE"), "{verb} of nothing succeeded"),
                Err(refusal) => assert_refused(&serde_json::from_str(&refusal.to_string()).unwrap()),
            }
        })
    };
    let tally = netns::run(&lab.host, on_host).unwrap();
    assert_eq!(lab.inventory(), before, "something was made");
    tally
}

pub fn processes() -> Tally {
    let lab = Lab::new();
    let right = Calls::about(lab.task.to_str().unwrap(), lab.plugins.to_str().unwrap());
    let before = lab.inventory();
    let usual = right_calls(&lab, &right);
    let (mut calls, mut made) = (right, 0);
    let tally = Tally::run_processes("CNI plugin runs", RUNS, usual, house_corpus("cni_config"), |input| {
        let (verb, variables) = calls.next();
        let said = lab.run(&variables, input);
        assert_ended(&said);
        assert!(verb != "NONSENSE" || said.code == Some(1));
        if verb == "ADD" && said.code == Some(0) {
            made += 1;
            assert_ne!(lab.inventory(), before, "it says that it made something");
            let undone = lab.run(&with_verb("DEL", &variables), input);
            assert_eq!(undone.code, Some(0), "{}", String::from_utf8_lossy(&undone.answer));
        }
        if verb == "ADD" {
            assert_eq!(lab.inventory(), before, "left of an ADD that ended with {:?}", said.code);
        }
        Cost { took: said.took, peak: said.peak }
    });
    assert!(made > 0, "no damaged ADD was right enough to reach the kernel");
    assert_eq!(lab.inventory(), before, "something was made by another command");
    tally
}

/// Calls every command rightly; the most memory that one of them held.
fn right_calls(lab: &Lab, calls: &Calls) -> u64 {
    let mut config: Value = serde_json::from_slice(&house_corpus("cni_config")[0]).unwrap();
    let mut most = 0;
    let mut call = |verb: &str, config: &Value| {
        let said = lab.run(&with_verb(verb, &lines(&calls.right)), config.to_string().as_bytes());
        assert_eq!(said.code, Some(0), "{verb}: {} {}", String::from_utf8_lossy(&said.answer), said.errors);
        most = most.max(said.peak);
        said
    };
    config["prevResult"] = call("ADD", &config).json();
    config["cni.dev/valid-attachments"] = json!([]);
    for verb in ["CHECK", "STATUS", "VERSION", "DEL", "GC"] {
        call(verb, &config);
    }
    most
}

fn assert_ended(said: &Said) {
    assert!(matches!(said.code, Some(0 | 1)), "it ended with {:?}: {}", said.code, said.errors);
    assert!(!said.errors.contains("panicked"), "{}", said.errors);
    if said.code == Some(1) {
        assert_refused(&said.json());
    }
}

fn assert_refused(said: &Value) {
    assert!(said["code"].is_u64() && said["msg"].as_str().is_some_and(|text| !text.is_empty()), "{said}");
}

/// The environments of calls, one after the other: each command in turn, every second one with variables that are damaged too.
struct Calls {
    right: String,
    damaged: Mutator,
    number: usize,
}

impl Calls {
    fn about(namespace: &str, plugins: &str) -> Self {
        let right = format!(
            "CNI_CONTAINERID=malformed\nCNI_IFNAME=eth0\nCNI_NETNS={namespace}\nCNI_PATH={plugins}\n\
             CNI_ARGS=IgnoreUnknown=1;IP=10.1.2.9/24;MAC=0a:00:00:00:00:09"
        );
        let damaged = Mutator::new(vec![right.clone().into_bytes()], seed());
        Self { right, damaged, number: 0 }
    }

    fn next(&mut self) -> (&'static str, Vec<(String, String)>) {
        self.number += 1;
        let verb = VERBS[self.number % VERBS.len()];
        let damaged = self.damaged.next().expect("they never end");
        let damaged = String::from_utf8_lossy(&damaged);
        let text = if self.number.is_multiple_of(2) { &*damaged } else { &self.right };
        (verb, with_verb(verb, &lines(text)))
    }
}

/// Variables, one in a line; such as no process can have are left out.
fn lines(text: &str) -> Vec<(String, String)> {
    let pairs = text.lines().filter(|line| !line.contains('\0')).filter_map(|line| line.split_once('='));
    pairs.filter(|(name, _)| !name.is_empty()).map(|(name, value)| (name.into(), value.into())).collect()
}

fn with_verb(verb: &str, variables: &[(String, String)]) -> Vec<(String, String)> {
    [variables, &[("CNI_COMMAND".to_owned(), verb.to_owned())]].concat()
}
