//! The plugin as a runtime sees it: environment and configuration in, JSON and an exit status out.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use wharf_cni::netns;

use crate::lab::{Lab, Server, call, sees};

/// One call of the plugin.
struct Call<'a> {
    host: &'a Path,
    environment: Vec<(&'static str, String)>,
    input: String,
    arguments: Vec<&'static str>,
}

struct Said {
    success: bool,
    text: String,
}

impl Said {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error} in {:?}", self.text))
    }

    /// The code of an error, which must have the form the specification gives.
    fn code(&self) -> u64 {
        let value = self.json();
        assert!(!self.success && value["msg"].is_string() && value["cniVersion"].is_string(), "{value}");
        value["code"].as_u64().unwrap()
    }

    fn ok(self) -> Self {
        assert!(self.success, "{}", self.text);
        self
    }
}

impl<'a> Call<'a> {
    fn new(lab: &'a Lab, command: &str, config: &Value) -> Self {
        let environment = vec![("CNI_COMMAND", command.to_owned())];
        Self { host: &lab.host, environment, input: config.to_string(), arguments: Vec::new() }
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.environment.push((name, value.into()));
        self
    }

    /// About the interface `eth0` of a container in a namespace.
    fn about(self, container: &str, namespace: &Path) -> Self {
        self.with("CNI_CONTAINERID", container)
            .with("CNI_NETNS", namespace.to_str().unwrap())
            .with("CNI_IFNAME", "eth0")
            .with("CNI_PATH", "/nowhere")
    }

    fn run(self) -> Said {
        let run = || {
            let mut child = Command::new(env!("CARGO_BIN_EXE_wharf-cni"))
                .args(&self.arguments)
                .env_clear()
                .envs(self.environment.iter().map(|(name, value)| (name, value)))
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            child.stdin.take().unwrap().write_all(self.input.as_bytes()).unwrap();
            child.wait_with_output().unwrap()
        };
        let output = netns::run(self.host, run).unwrap();
        Said { success: output.status.success(), text: String::from_utf8(output.stdout).unwrap() }
    }
}

fn config() -> Value {
    json!({ "cniVersion": "1.1.0", "name": "net", "type": "wharf-cni", "addresses": ["10.0.0.5"], "gateway": "10.0.0.1" })
}

fn config_with(key: &str, value: Value) -> Value {
    let mut config = config();
    config[key] = value;
    config
}

#[test]
fn version_lists_what_is_spoken_and_needs_no_configuration() {
    let lab = Lab::new();
    let said = Call::new(&lab, "VERSION", &json!({ "cniVersion": "1.0.0" })).run().ok().json();
    assert_eq!(
        said,
        json!({ "cniVersion": "1.0.0", "supportedVersions": ["0.3.1", "0.4.0", "1.0.0", "1.1.0"] })
    );
    let mut call = Call::new(&lab, "VERSION", &json!({}));
    call.input = String::new();
    assert_eq!(call.run().ok().json()["cniVersion"], "1.1.0");
}

#[test]
fn wrong_calls_are_answered_with_the_codes_of_the_specification() {
    let lab = Lab::new();
    let namespace = lab.namespace("a");
    let code =
        |command: &str, config: &Value| Call::new(&lab, command, config).about("c", &namespace).run().code();
    let before = lab.inventory();
    assert_eq!(code("ADD", &config_with("cniVersion", json!("9.9.9"))), 1);
    assert_eq!(code("ADD", &json!({ "name": "net", "type": "wharf-cni" })), 1);
    assert_eq!(code("JUMP", &config()), 4);
    assert_eq!(code("ADD", &config_with("name", json!(""))), 7);
    assert_eq!(code("ADD", &config_with("addresses", json!("10.0.0.5"))), 7);
    assert_eq!(code("ADD", &config_with("addresses", json!(["10.0.0.555"]))), 7);
    assert_eq!(code("ADD", &config_with("addresses", json!([]))), 7);
    assert_eq!(code("ADD", &config_with("mac", json!("01:02"))), 7);
    assert_eq!(code("ADD", &config_with("interfacePrefix", json!("muchtoolong"))), 7);
    assert_eq!(code("CHECK", &config()), 7);
    assert_eq!(code("GC", &config()), 7);
    assert_eq!(code("GC", &config_with("cniVersion", json!("1.0.0"))), 1);
    assert_eq!(code("CHECK", &config_with("cniVersion", json!("0.3.1"))), 1);
    let mut garbage = Call::new(&lab, "ADD", &config()).about("c", &namespace);
    garbage.input = "{ not json".into();
    assert_eq!(garbage.run().code(), 6);
    assert_eq!(Call::new(&lab, "ADD", &config()).about("c", Path::new("/no/namespace")).run().code(), 3);
    assert_eq!(Call::new(&lab, "ADD", &config()).about("../c", &namespace).run().code(), 4);
    for lacking in ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME"] {
        let mut call = Call::new(&lab, "ADD", &config()).about("c", &namespace);
        call.environment.retain(|(name, _)| *name != lacking);
        let said = call.run();
        assert_eq!(said.code(), 4, "without {lacking}");
        assert!(said.text.contains(lacking), "{}", said.text);
    }
    assert_eq!(lab.inventory(), before);
}

#[test]
fn add_connects_and_tells_what_it_made() {
    let lab = Lab::new();
    let namespace = lab.namespace("a");
    let config = config_with("mac", json!("0a:00:00:00:00:07"));
    let said = Call::new(&lab, "ADD", &config).about("c", &namespace).run().ok().json();
    assert_eq!(said["cniVersion"], "1.1.0");
    assert_eq!(said["ips"], json!([{ "address": "10.0.0.5/32", "gateway": "10.0.0.1", "interface": 1 }]));
    assert_eq!(said["routes"], json!([{ "dst": "0.0.0.0/0", "gw": "10.0.0.1" }]));
    assert_eq!(said["interfaces"][1]["name"], "eth0");
    assert_eq!(said["interfaces"][1]["mac"], "0a:00:00:00:00:07");
    assert_eq!(said["interfaces"][1]["sandbox"], namespace.to_str().unwrap());
    let host = said["interfaces"][0]["name"].as_str().unwrap();
    assert!(lab.sees("ip", &["link", "show", host]).contains(said["interfaces"][0]["mac"].as_str().unwrap()));
    let server = Server::start(&namespace, "10.0.0.5".parse().unwrap(), 80);
    assert_eq!(call(&lab.host, server.address).unwrap(), "10.0.0.1");
    server.finish();
}

#[test]
fn results_have_the_form_of_the_version_spoken() {
    for (version, family) in [("0.3.1", json!("4")), ("0.4.0", json!("4")), ("1.0.0", Value::Null)] {
        let lab = Lab::new();
        let namespace = lab.namespace("a");
        let config = config_with("cniVersion", json!(version));
        let said = Call::new(&lab, "ADD", &config).about("c", &namespace).run().ok().json();
        assert_eq!((&said["cniVersion"], &said["ips"][0]["version"]), (&json!(version), &family));
    }
}

#[test]
fn del_is_idempotent_and_needs_no_namespace() {
    let lab = Lab::new();
    let namespace = lab.namespace("a");
    let before = lab.inventory();
    Call::new(&lab, "ADD", &config()).about("c", &namespace).run().ok();
    assert_ne!(lab.inventory(), before);
    for _ in 0..2 {
        let mut call = Call::new(&lab, "DEL", &config()).about("c", &namespace);
        call.environment.retain(|(name, _)| *name != "CNI_NETNS");
        assert_eq!(call.run().ok().text, "");
        assert_eq!(lab.inventory(), before);
    }
}

#[test]
fn a_container_may_have_two_interfaces() {
    let lab = Lab::new();
    let namespace = lab.namespace("a");
    let before = lab.inventory();
    let call = |command: &str, interface: &str, address: &str, gateway: &str| {
        let mut config = config_with("addresses", json!([address]));
        config["gateway"] = json!(gateway);
        let mut call = Call::new(&lab, command, &config).about("c", &namespace);
        call.environment.retain(|(name, _)| *name != "CNI_IFNAME");
        call.with("CNI_IFNAME", interface).run().ok()
    };
    call("ADD", "eth0", "10.0.0.5", "10.0.0.1");
    call("ADD", "eth1", "10.0.1.5", "10.0.1.1");
    call("DEL", "eth1", "10.0.1.5", "10.0.1.1");
    assert!(sees(&namespace, "ip", &["-br", "link"]).contains("eth0@"));
    call("DEL", "eth0", "10.0.0.5", "10.0.0.1");
    assert_eq!(lab.inventory(), before);
}

#[test]
fn the_runtime_may_wish_address_and_hardware_address() {
    let lab = Lab::new();
    let namespace = lab.namespace("a");
    let wished = config_with("runtimeConfig", json!({ "ips": ["10.0.0.8/24"], "mac": "0a:00:00:00:00:08" }));
    let said = Call::new(&lab, "ADD", &wished).about("c", &namespace).run().ok().json();
    assert_eq!(
        (&said["ips"][0]["address"], &said["interfaces"][1]["mac"]),
        (&json!("10.0.0.8/32"), &json!("0a:00:00:00:00:08"))
    );

    let other = lab.namespace("b");
    let arguments = "IgnoreUnknown=1;K8S_POD_NAME=x;IP=10.0.0.9;MAC=0a:00:00:00:00:09";
    let said =
        Call::new(&lab, "ADD", &config()).about("d", &other).with("CNI_ARGS", arguments).run().ok().json();
    assert_eq!(
        (&said["ips"][0]["address"], &said["interfaces"][1]["mac"]),
        (&json!("10.0.0.9/32"), &json!("0a:00:00:00:00:09"))
    );
}

#[test]
fn check_compares_with_the_result_of_the_add() {
    let lab = Lab::new();
    let namespace = lab.namespace("a");
    let made = Call::new(&lab, "ADD", &config()).about("c", &namespace).run().ok().json();
    let check = |result: &Value| {
        Call::new(&lab, "CHECK", &config_with("prevResult", result.clone())).about("c", &namespace).run()
    };
    assert_eq!(check(&made).ok().text, "");
    let mut other = made.clone();
    other["ips"][0]["address"] = json!("10.0.0.6/32");
    assert_eq!(check(&other).code(), 101);
    sees(&namespace, "ip", &["route", "del", "default"]);
    assert_eq!(check(&made).code(), 101);
}

#[test]
fn gc_removes_what_the_runtime_no_longer_knows_of_this_network_alone() {
    let lab = Lab::new();
    let add = |network: &str, container: &str, address: &str| {
        let mut config = config_with("addresses", json!([address]));
        config["name"] = json!(network);
        Call::new(&lab, "ADD", &config).about(container, &lab.namespace(container)).run().ok();
    };
    add("net", "known", "10.0.0.5");
    add("other", "elsewhere", "10.0.0.6");
    let expected = lab.inventory();
    add("net", "lost", "10.0.0.7");
    let valid = json!([{ "containerID": "known", "ifname": "eth0" }]);
    let gc =
        Call::new(&lab, "GC", &config_with("cni.dev/valid-attachments", valid)).with("CNI_PATH", "/nowhere");
    assert_eq!(gc.run().ok().text, "");
    assert_eq!(lab.inventory(), expected);
}

#[test]
fn status_tells_whether_containers_could_be_connected() {
    let lab = Lab::new();
    let before = lab.inventory();
    assert_eq!(Call::new(&lab, "STATUS", &config()).run().ok().text, "");
    assert_eq!(lab.inventory(), before);
    let without_power = |config: &Value| {
        let input = config.to_string();
        let run = || {
            let mut child = Command::new("setpriv")
                .args(["--reuid=65534", "--regid=65534", "--clear-groups", env!("CARGO_BIN_EXE_wharf-cni")])
                .env("CNI_COMMAND", "STATUS")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
            child.wait_with_output().unwrap()
        };
        let output = netns::run(&lab.host, run).unwrap();
        Said { success: output.status.success(), text: String::from_utf8(output.stdout).unwrap() }
    };
    assert_eq!(without_power(&config()).code(), 50);
}

#[test]
fn dry_run_prints_the_plan_and_changes_nothing() {
    let lab = Lab::new();
    let namespace = lab.namespace("a");
    let before = lab.inventory();
    let mut call = Call::new(&lab, "ADD", &config()).about("c", &namespace);
    call.arguments = vec!["--dry-run"];
    let plan = call.run().ok().text;
    for line in [
        "host: switch on forwarding of IPv4",
        "task: address 10.0.0.5 on eth0",
        "host: masquerade 10.0.0.5 for wc",
    ] {
        assert!(plan.contains(line), "{line} is not in\n{plan}");
    }
    assert_eq!(lab.inventory(), before);
}

/// A plugin that assigns 10.0.0.20, or what `answer` says, and notes the commands it got.
struct Ipam {
    directory: tempfile::TempDir,
}

impl Ipam {
    fn answering(answer: &Value, status: u8) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let script = format!(
            "#!/bin/sh\ncat >/dev/null\necho \"$CNI_COMMAND $CNI_CONTAINERID\" >> {0}/log\n[ \"$CNI_COMMAND\" = ADD ] && echo '{answer}' && exit {status}\nexit 0\n",
            directory.path().display()
        );
        write_program(&directory.path().join("fake-ipam"), &script);
        Self { directory }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    fn call(&self, lab: &Lab, command: &str, namespace: &Path) -> Said {
        let mut config = config_with("ipam", json!({ "type": "fake-ipam" }));
        config.as_object_mut().unwrap().remove("addresses");
        config.as_object_mut().unwrap().remove("gateway");
        let mut call = Call::new(lab, command, &config).about("c", namespace);
        call.environment.retain(|(name, _)| *name != "CNI_PATH");
        let path = format!("/nowhere:{}", self.directory.path().display());
        call.with("CNI_PATH", path).with("PATH", "/usr/bin:/bin").run()
    }
}

/// Lets a child write a program. A child that another test starts shares this process's descriptors until its own program runs;
/// were one of them open for writing this file, nobody could run it meanwhile: "Text file busy".
fn write_program(path: &Path, text: &str) {
    let mut child = Command::new("sh")
        .args(["-c", "cat > \"$0\" && chmod 755 \"$0\""])
        .arg(path)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
}

fn assignment() -> Value {
    json!({ "cniVersion": "1.1.0", "ips": [{ "address": "10.0.0.20/24", "gateway": "10.0.0.254" }], "dns": { "nameservers": ["10.0.0.2"] } })
}

#[test]
fn addresses_come_from_the_ipam_plugin_and_go_back_with_del() {
    let lab = Lab::new();
    let namespace = lab.namespace("a");
    let ipam = Ipam::answering(&assignment(), 0);
    let said = ipam.call(&lab, "ADD", &namespace).ok().json();
    assert_eq!(said["ips"][0], json!({ "address": "10.0.0.20/32", "gateway": "10.0.0.254", "interface": 1 }));
    assert_eq!(said["dns"], json!({ "nameservers": ["10.0.0.2"] }));
    ipam.call(&lab, "DEL", &namespace).ok();
    assert_eq!(ipam.log(), "ADD c\nDEL c\n");
}

#[test]
fn a_failed_add_gives_the_address_back() {
    let lab = Lab::new();
    let before = lab.inventory();
    let ipam = Ipam::answering(&assignment(), 0);
    assert_eq!(ipam.call(&lab, "ADD", &PathBuf::from("/no/namespace")).code(), 3);
    assert_eq!(ipam.log(), "ADD c\nDEL c\n");
    assert_eq!(lab.inventory(), before);
}

#[test]
fn an_error_of_the_ipam_plugin_is_passed_on() {
    let lab = Lab::new();
    let ipam = Ipam::answering(&json!({ "code": 11, "msg": "no address is free" }), 1);
    let said = ipam.call(&lab, "ADD", &lab.namespace("a"));
    assert_eq!(said.code(), 11);
    assert!(said.text.contains("no address is free"), "{}", said.text);
    assert_eq!(ipam.log(), "ADD c\n");
}

#[test]
fn an_ipam_plugin_that_is_not_there_is_named() {
    let lab = Lab::new();
    let config = config_with("ipam", json!({ "type": "no-such-ipam" }));
    let said = Call::new(&lab, "ADD", &config).about("c", &lab.namespace("a")).run();
    assert_eq!(said.code(), 7);
    assert!(said.text.contains("no-such-ipam"), "{}", said.text);
}

#[test]
fn this_plugin_as_its_own_ipam_plugin_is_refused_and_does_not_ask_itself() {
    let lab = Lab::new();
    let directory = tempfile::tempdir().unwrap();
    // A copy: that it is the same program nobody can see. A child makes it, for the same reason as in `write_program`.
    let mut copy = Command::new("cp");
    copy.arg(env!("CARGO_BIN_EXE_wharf-cni")).arg(directory.path().join("other-name"));
    assert!(copy.status().unwrap().success());
    let config = config_with("ipam", json!({ "type": "other-name" }));
    let mut call = Call::new(&lab, "ADD", &config).about("c", &lab.namespace("a"));
    call.environment.retain(|(name, _)| *name != "CNI_PATH");
    let said = call.with("CNI_PATH", directory.path().to_str().unwrap()).run();
    assert_eq!(said.code(), 7);
    assert!(said.text.contains("wharf-cni assigns no addresses"), "{}", said.text);
}
