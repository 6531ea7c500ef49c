//! The house keeps its shape: who imports whom, as docs/architecture.md says.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Every arrow between crates of ours. A new one is a decision: change the map first.
const ARROWS: &[(&str, &[&str])] = &[
    ("wharf-protocol", &[]),
    ("wharf-wait", &[]),
    ("wharf-cni", &["wharf-wait"]),
    ("wharf-runtime", &["wharf-wait"]),
    ("wharf-core", &["wharf-protocol"]),
    ("wharf-link", &["wharf-protocol", "wharf-wait"]),
    (
        "wharf-agent",
        &["wharf-cni", "wharf-core", "wharf-link", "wharf-protocol", "wharf-runtime", "wharf-wait"],
    ),
    ("wharf-control-plane", &["wharf-protocol", "wharf-wait"]),
    ("wharf-sim", &["wharf-agent", "wharf-core", "wharf-link", "wharf-protocol", "wharf-runtime"]),
];

#[test]
fn no_crate_imports_another_that_the_map_does_not_allow() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut seen: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in metadata["packages"].as_array().unwrap() {
        let ours = package["dependencies"].as_array().unwrap().iter().filter_map(|d| d["name"].as_str());
        let ours = ours.filter(|name| name.starts_with("wharf-")).map(str::to_owned).collect();
        seen.insert(package["name"].as_str().unwrap().to_owned(), ours);
    }
    seen.remove("wharf-tests");
    let allowed: BTreeMap<String, BTreeSet<String>> = ARROWS
        .iter()
        .map(|(from, to)| ((*from).to_owned(), to.iter().map(|&t| t.to_owned()).collect()))
        .collect();
    assert_eq!(seen, allowed);
}

#[test]
fn no_product_build_has_failpoints() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let makefile = std::fs::read_to_string(format!("{root}/Makefile")).unwrap();
    let product = makefile.lines().find_map(|line| line.strip_prefix("PRODUCT := ")).unwrap();
    let builds: BTreeSet<&str> = makefile.lines().filter_map(|l| l.strip_prefix("\t$(BUILD) ")).collect();
    assert!(builds.len() >= 2, "make run, install and bench build: {builds:?}");
    for build in builds {
        let what = build.replace("$(PRODUCT)", product).replace("--bins", "");
        let tree = |extra: &[&str]| {
            let mut cargo = Command::new(env!("CARGO"));
            cargo.current_dir(root).args(["tree", "--offline", "--edges", "normal", "--prefix", "none"]);
            let output = cargo.args(what.split_whitespace()).args(extra).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let text = String::from_utf8(output.stdout).unwrap();
            text.lines().any(|line| line.starts_with("fail v"))
        };
        assert!(!tree(&[]), "`{build}` would build failpoints into the product");
        assert!(tree(&["--features", "wharf-agent/failpoints"]), "and this check would see them");
    }
}

#[test]
fn every_path_that_the_documents_name_exists() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    for document in ["README.md", "docs/architecture.md"] {
        let text = std::fs::read_to_string(format!("{root}/{document}")).unwrap();
        let quoted = text.split('`').skip(1).step_by(2);
        let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let words = quoted.chain(links);
        for path in words.filter(|w| is_a_path_of_ours(w)) {
            assert!(
                std::fs::exists(format!("{root}/{path}")).unwrap(),
                "{document} names {path}, which does not exist"
            );
        }
    }
}

/// A relative path with a slash into one of the repository's directories.
fn is_a_path_of_ours(word: &str) -> bool {
    const ROOMS: &[&str] = &[
        "agent/",
        "cni/",
        "control-plane/",
        "docs/",
        "examples/",
        "protocol/",
        "scripts/",
        "systemd/",
        "tests/",
    ];
    ROOMS.iter().any(|room| word.starts_with(room)) && !word.contains([' ', '<', '*'])
}
