//! The table of settings, and the page of the reference that is made from it.

use wharf_agent::config::{KEYS, Kind, Status};

#[test]
fn every_row_of_the_table_is_sound() {
    let mut names: Vec<&str> = KEYS.iter().map(|key| key.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), KEYS.len(), "names are unique");
    let mut toml: Vec<&str> = KEYS.iter().filter_map(|key| key.toml).collect();
    let count = toml.len();
    toml.sort_unstable();
    toml.dedup();
    assert_eq!(toml.len(), count, "names in the native file are unique");
    for key in KEYS {
        assert!(
            key.default.is_empty() || key.kind.parse(key.default).is_some(),
            "{} has a wrong default",
            key.name
        );
        assert_eq!(key.toml.is_some(), key.status == Status::Honoured, "{}", key.name);
        assert!(
            key.status == Status::Honoured || matches!(key.kind, Kind::Text | Kind::Path | Kind::Secret),
            "{}",
            key.name
        );
    }
}

/// The variables of the Amazon ECS agent, `features` section 20: each has to be in the table.
#[test]
fn every_variable_of_the_amazon_agent_is_known() {
    let missing: Vec<&str> = include_str!("../amazon_variables.txt")
        .split_whitespace()
        .filter(|name| KEYS.iter().all(|key| key.name != *name))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// With WHARF_UPDATE set, the page is written anew.
#[test]
fn the_reference_page_holds_the_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reference/configuration.md");
    let page = std::fs::read_to_string(path).expect("the page is there");
    let (prose, _) = page.split_once("## Keys\n").expect("the page has its keys last");
    let expected = format!("{prose}## Keys\n{}", reference());
    if std::env::var_os("WHARF_UPDATE").is_some() {
        std::fs::write(path, &expected).expect("it can be written");
    }
    assert!(page == expected, "docs/reference/configuration.md is stale: run this test with WHARF_UPDATE=1");
}

/// The part of the reference page that follows from the table.
fn reference() -> String {
    let mut page =
        "\n| Variable | In agent.toml | Form | Default | Meaning |\n|---|---|---|---|---|\n".to_owned();
    let effective = |status| matches!(status, Status::Honoured | Status::Bootstrap | Status::Environment);
    for key in KEYS.iter().filter(|key| effective(key.status)) {
        let toml = key.toml.map(|name| format!("`{name}`")).unwrap_or_default();
        let default = if key.default.is_empty() { String::new() } else { format!("`{}`", key.default) };
        let form = key.kind.expected();
        page += &format!("| `{}` | {toml} | {form} | {default} | {} |\n", key.name, key.doc);
    }
    page += "\n## Keys of the Amazon ECS agent without effect\n\n| Variable | Why |\n|---|---|\n";
    for key in KEYS {
        match key.status {
            Status::NotYet(why) => page += &format!("| `{}` | not yet: {why} |\n", key.name),
            Status::Ignored(why) => page += &format!("| `{}` | {why} |\n", key.name),
            Status::Honoured | Status::Bootstrap | Status::Environment => {}
        }
    }
    page
}
