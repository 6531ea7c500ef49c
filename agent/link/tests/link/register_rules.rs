//! The error table of spec 2.3 as decisions, without a network.

use std::time::Duration;
use wharf_link::api::CallError;
use wharf_link::jitter::Jitter;
use wharf_link::register::{Attempts, RegisterError, RegisterPolicy, Step, check_cluster, unechoed};
use wharf_link::submit::SubmitOutcome;
use wharf_protocol::api::{ApiError, Attribute, SubmitTaskStateChangeResponse};

const OPERATION: &str = "RegisterContainerInstance";

fn refused(status: u16, code: &str, message: &str) -> CallError {
    let error = ApiError { code: code.to_owned(), message: message.to_owned(), status };
    CallError::Refused { operation: OPERATION, error, retry_after: None }
}

fn step(error: CallError, may_create_cluster: bool) -> Step {
    let mut attempts = Attempts::new(RegisterPolicy::default(), may_create_cluster);
    attempts.after(error, &mut Jitter::seeded(1))
}

fn exit_code(step: Step) -> u8 {
    match step {
        Step::Fail(error) => error.exit_code(),
        Step::CreateCluster | Step::Wait(_) => panic!("expected a failure, got {step:?}"),
    }
}

#[test]
fn what_the_control_plane_rejects_ends_with_5() {
    for code in ["ClientException", "InvalidParameterException"] {
        assert_eq!(exit_code(step(refused(400, code, "no"), true)), 5, "{code}");
    }
    let changed = refused(400, "ServerException", "Container instance type changes are not supported. Sorry");
    assert_eq!(exit_code(step(changed, true)), 5);
}

#[test]
fn any_other_error_ends_with_1() {
    for code in ["AccessDeniedException", "UnknownError", "InvalidSignatureException"] {
        assert_eq!(exit_code(step(refused(400, code, "no"), true)), 1, "{code}");
    }
}

const TROUBLES: [(u16, &str); 3] =
    [(400, "ThrottlingException"), (400, "LimitExceededException"), (500, "ServerException")];

fn wait(step: Step) -> Duration {
    match step {
        Step::Wait(wait) => wait,
        Step::CreateCluster | Step::Fail(_) => panic!("expected a wait, got {step:?}"),
    }
}

#[test]
fn throttling_and_server_faults_are_waited_out_for_ever_from_3_to_6_seconds() {
    let mut jitter = Jitter::seeded(1);
    for (status, code) in TROUBLES {
        let mut attempts = Attempts::new(RegisterPolicy::default(), false);
        for least in std::iter::once(3.0).chain([6.0; 1000]) {
            let wait = wait(attempts.after(refused(status, code, ""), &mut jitter)).as_secs_f64();
            assert!(wait >= least && wait < least * 1.2, "{code}: {wait}");
        }
    }
}

#[test]
fn a_control_plane_that_says_for_how_long_is_left_alone_so_long_within_reason() {
    for (asked, least, most) in [(1, 3.0, 3.6), (40, 40.0, 48.0), (3600, 192.0, 230.4)] {
        let mut attempts = Attempts::new(RegisterPolicy::default(), false);
        let mut error = refused(503, "ServerException", "");
        if let CallError::Refused { retry_after, .. } = &mut error {
            *retry_after = Some(Duration::from_secs(asked));
        }
        let wait = wait(attempts.after(error, &mut Jitter::seeded(1))).as_secs_f64();
        assert!(wait >= least && wait < most, "{asked}: {wait}");
    }
}

#[test]
fn whoever_answers_in_place_of_the_control_plane_is_waited_out_for_ever() {
    let mut attempts = Attempts::new(RegisterPolicy::default(), false);
    let mut jitter = Jitter::seeded(1);
    let unreadable = || {
        let source = wharf_protocol::api::decode::<SubmitTaskStateChangeResponse>(b"<html>").unwrap_err();
        CallError::Unreadable { operation: OPERATION, source }
    };
    for error in [
        refused(302, "UnknownError", ""),
        unreadable(),
        CallError::TooLarge { operation: OPERATION, limit: 1 },
    ] {
        assert!(wait(attempts.after(error, &mut jitter)) < Duration::from_secs(3));
    }
}

#[test]
fn a_page_for_people_does_not_take_a_state_change() {
    for (body, taken) in [("<html>", false), ("{\"acknowledg", false), ("[]", true), ("\"thanks\"", true)] {
        let source = wharf_protocol::api::decode::<SubmitTaskStateChangeResponse>(body.as_bytes());
        let answer = source.map_err(|source| CallError::Unreadable { operation: OPERATION, source });
        assert_eq!(matches!(SubmitOutcome::of(answer), SubmitOutcome::Accepted), taken, "{body}");
    }
}

#[test]
fn a_missing_default_cluster_is_made_once() {
    for error in [("ClusterNotFoundException", ""), ("ClientException", "Cluster not found.")] {
        let mut attempts = Attempts::new(RegisterPolicy::default(), true);
        let mut after = || attempts.after(refused(400, error.0, error.1), &mut Jitter::seeded(1));
        assert!(matches!(after(), Step::CreateCluster), "{error:?}");
        assert!(matches!(after(), Step::Fail(_)), "{error:?}");
    }
}

#[test]
fn a_missing_configured_cluster_is_not_made() {
    assert_eq!(exit_code(step(refused(400, "ClusterNotFoundException", "Cluster not found."), false)), 1);
    assert_eq!(exit_code(step(refused(400, "ClientException", "Cluster not found."), false)), 5);
}

#[test]
fn a_saved_cluster_that_is_not_the_configured_one_ends_with_5() {
    assert!(check_cluster(None, "c1").is_ok());
    assert!(check_cluster(Some("c1"), "c1").is_ok());
    assert_eq!(check_cluster(Some("c2"), "c1").unwrap_err().exit_code(), 5);
}

#[test]
fn every_attribute_has_to_come_back_with_its_value() {
    let attribute = |name: &str, value: Option<&str>| Attribute {
        name: Some(name.to_owned()),
        value: value.map(str::to_owned),
        ..Attribute::default()
    };
    let sent = [attribute("a", None), attribute("b", Some("1")), attribute("c", Some("2"))];
    let received = [
        attribute("c", Some("3")),
        attribute("b", Some("1")),
        attribute("a", Some("")),
        attribute("z", None),
    ];
    assert_eq!(unechoed(&sent, &received), ["c"]);
    assert_eq!(unechoed(&sent, &[]), ["a", "b", "c"]);
    assert_eq!(RegisterError::Attributes { names: vec!["c".to_owned()] }.exit_code(), 5);
}

#[test]
fn only_an_invalid_parameter_makes_a_state_change_forgotten() {
    let outcome = |code| SubmitOutcome::of(Err::<(), _>(refused(400, code, "why")));
    assert!(
        matches!(outcome("InvalidParameterException"), SubmitOutcome::Refused(reason) if reason == "why")
    );
    for code in ["ClientException", "AccessDeniedException", "ThrottlingException"] {
        assert!(matches!(outcome(code), SubmitOutcome::Failed(_)), "{code}");
    }
    assert!(matches!(SubmitOutcome::of(Ok(())), SubmitOutcome::Accepted));
}
