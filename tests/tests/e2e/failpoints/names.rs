//! The list of points, the marks in the source and the table in the documentation say the same.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use wharf_tests::failpoints::POINTS;
use wharf_tests::sources;
use wharf_tests::world::product;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

#[test]
fn every_point_is_in_the_list_in_the_source_and_in_the_documentation() {
    let listed: BTreeSet<String> = POINTS.iter().map(|point| point.name.to_owned()).collect();
    assert_eq!(listed.len(), POINTS.len(), "no name twice");
    assert!(listed.len() >= 40, "{}", listed.len());

    let mut marked: BTreeMap<String, usize> = BTreeMap::new();
    for room in ["agent/src", "agent/core/src", "agent/link/src", "agent/runtime/src", "cni/src"] {
        for (_, source) in sources::below(room).unwrap() {
            for name in source.split("failpoint!(\"").skip(1).filter_map(|rest| rest.split('"').next()) {
                *marked.entry(name.to_owned()).or_default() += 1;
            }
        }
    }
    let often: Vec<_> = marked.iter().filter(|(_, count)| **count > 1).collect();
    assert!(often.is_empty(), "one place has one name: {often:?}");
    assert_eq!(marked.into_keys().collect::<BTreeSet<_>>(), listed, "marks in the source and the list");

    let text = std::fs::read_to_string(format!("{ROOT}/docs/explanation/failpoints.md")).unwrap();
    let (_, points) = text.split_once("\n## The points\n").unwrap();
    let rows = points.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    assert_eq!(rows.map(str::to_owned).collect::<BTreeSet<_>>(), listed, "the documentation and the list");
}

/// Fails with what to do when the agent beside the tests was built without.
pub fn the_program_under_test_has_failpoints() {
    let version = Command::new(product("wharf-agent")).arg("version").output().unwrap();
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    assert!(version.contains("failpoints"), "{version}: build it with `cargo build --workspace --bins`");
}
