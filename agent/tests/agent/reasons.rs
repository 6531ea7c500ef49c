//! Reason codes of the edge: which failure of the runtime and which refused field has which name; and the page of all codes.

use std::sync::Arc;
use std::time::Duration;
use wharf_agent::acs::Refusal;
use wharf_agent::causes::chain;
use wharf_agent::effects::codes;
use wharf_core::reason::{Reason, ReasonCode};
use wharf_runtime::{CreateError, PullError, StoreError};

fn told(error: &PullError) -> String {
    Reason::new(codes::pull(error), chain(error)).to_string()
}

fn image() -> String {
    "registry.test/app:1".to_owned()
}

#[test]
fn a_pull_that_fails_says_whether_registry_credentials_image_or_time_did() {
    let detail = "said so".to_owned();
    let stored = |source| PullError::Store { image: image(), digest: None, source: Arc::new(source) };
    let cases = [
        (
            PullError::NotFound { image: image(), detail: detail.clone() },
            "CannotPullContainerError: image registry.test/app:1 does not exist in its registry: said so",
        ),
        (
            PullError::Unauthorized { image: image(), detail },
            "CannotPullContainerAuthError: access to image registry.test/app:1 is denied: said so",
        ),
        (
            PullError::Timeout { image: image(), after: Duration::from_secs(60) },
            "DockerTimeoutError: pulling image registry.test/app:1 did not end within 60 s",
        ),
        (
            stored(StoreError::UnsupportedMedia { media_type: "text/plain".to_owned() }),
            "CannotPullImageManifestError: image registry.test/app:1 cannot be stored: media type \"text/plain\" is not supported",
        ),
    ];
    for (error, text) in cases {
        assert_eq!(told(&error), text);
    }
}

#[test]
fn a_container_that_is_not_created_says_whether_the_disk_was_full() {
    let refused = |words: &str| CreateError::Runtime { id: "t-app".to_owned(), reason: words.to_owned() };
    let told = |error: CreateError| {
        let detail = chain(&error);
        Reason::new(codes::unless_full(&detail, ReasonCode::CannotCreateContainer), detail).to_string()
    };
    assert_eq!(told(refused("exec: \"x\": not found")), "CannotCreateContainerError: exec: \"x\": not found");
    let full = "mkdir /run/x: no space left on device";
    assert_eq!(told(refused(full)), format!("NoSpaceLeftError: {full}"));
}

#[test]
fn a_refused_field_says_which_part_of_the_definition_it_stands_in() {
    let problem = "the field x means nothing".to_owned();
    let cases = [
        (
            Refusal::Missing { field: "family".to_owned() },
            "UnrecogniedTaskError: Error loading task - family is missing",
        ),
        (Refusal::Mount { problem: problem.clone() }, "HostConfigError: the field x means nothing"),
        (Refusal::Config { problem }, "DockerClientConfigError: the field x means nothing"),
    ];
    for (refusal, text) in cases {
        assert_eq!(refusal.reason().to_string(), text);
    }
}

/// With WHARF_UPDATE set, the page is written anew.
#[test]
fn the_reference_page_holds_the_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reference/reasons.md");
    if std::env::var_os("WHARF_UPDATE").is_some() {
        std::fs::write(path, page()).expect("it can be written");
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert!(found == page(), "docs/reference/reasons.md is stale: run this test with WHARF_UPDATE=1");
}

fn page() -> String {
    let mut page = "# Why tasks and containers stop\n\n\
        Every reason that the agent gives has one of these codes, and a detail that names the object and the failure; `wharf-agent explain TASK`\n\
        prints both with the cause and the hint of this page. Reports to the control plane read `Code: detail`. Codes that are not told stand\n\
        only on this host: the control plane knows from its own request or from the exit code. Names are those of amazon-ecs-agent where it has one.\n\n\
        A failed health check has no code, because it stops nothing by itself: it is reported as UNHEALTHY, and what follows is up to the control plane.\n\n\
        This page is made from the table in `agent/core/src/reason.rs`.\n"
        .to_owned();
    for code in ReasonCode::ALL {
        let told = if code.is_told() { "told to the control plane" } else { "not told" };
        page += &format!(
            "\n## {}\n\nWho acted: {}; {told}.\n\n{}\n\nWhat to do: {}\n",
            code.as_str(),
            code.actor().as_str(),
            code.cause(),
            code.hint()
        );
    }
    page
}
