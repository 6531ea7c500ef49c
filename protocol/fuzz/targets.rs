//! What each fuzz target does with its input; shared with the tests, which run the same bodies over the corpus and seeded mutations.
//!
//! Each decoder must not panic, and what it accepts must survive being encoded and decoded again.

use std::time::{Duration, UNIX_EPOCH};
use wharf_protocol::api::{self, ApiError, Operation};
use wharf_protocol::arn::{
    AttachmentArn, ClusterArn, ContainerArn, ContainerInstanceArn, TaskArn, TaskDefinitionArn,
};
use wharf_protocol::sigv4::{Authorization, RequestParts, body_hash, verify};
use wharf_protocol::{Refusal, Secret, acs, docker, tcs};

/// A text frame of ACS, or the body of a refused handshake.
pub fn acs(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(acs::Decoded::Message(message)) = acs::decode(text) {
        assert_eq!(acs::decode(&acs::encode(&message)), Ok(acs::Decoded::Message(message)));
    }
    if let Some(refusal) = Refusal::parse(text) {
        let _ = refusal.to_string();
    }
}

/// A text frame of TCS, with or without header block.
pub fn tcs(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let frame = tcs::Frame::split(text);
    assert!(text.ends_with(frame.body));
    let again = frame.to_string();
    assert!(again.ends_with(frame.body));
    if let Ok(tcs::Decoded::Message(message)) = tcs::decode(text) {
        assert_eq!(tcs::decode(&tcs::encode(&message)), Ok(tcs::Decoded::Message(message)));
    }
}

/// A request, a response and an error of the operations with the largest shapes.
pub fn api(data: &[u8]) {
    both::<api::RegisterTaskDefinition>(data);
    both::<api::RegisterContainerInstance>(data);
    both::<api::RunTask>(data);
    both::<api::DescribeClusters>(data);
    both::<api::SubmitTaskStateChange>(data);
    let error = ApiError::parse(400, None, data);
    assert_eq!(ApiError::parse(400, Some(&error.code), error.to_body().as_bytes()), error);
}

fn both<O: Operation>(data: &[u8])
where
    O::Request: PartialEq + std::fmt::Debug,
    O::Response: PartialEq + std::fmt::Debug,
{
    if let Ok(request) = api::decode::<O::Request>(data) {
        assert_eq!(api::decode(api::encode(&request).as_bytes()), Ok(request));
    }
    if let Ok(response) = api::decode::<O::Response>(data) {
        assert_eq!(api::decode(api::encode(&response).as_bytes()), Ok(response));
    }
}

/// The strings of a container's `dockerConfig`.
pub fn docker_config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(config) = docker::Config::parse(text) {
        assert_eq!(docker::Config::parse(&config.to_text()), Ok(config));
    }
    if let Ok(config) = docker::HostConfig::parse(text) {
        assert_eq!(docker::HostConfig::parse(&config.to_text()), Ok(config));
    }
}

/// A name of any kind.
pub fn arn(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    macro_rules! kinds {
        ($($kind:ident)*) => { [$($kind::parse(text).is_ok_and(|arn| {
            assert_eq!(arn.to_string(), text);
            assert!(text.ends_with(arn.id()) && text.contains(arn.region()) && text.contains(arn.account()));
            true
        })),*] };
    }
    let accepted =
        kinds!(TaskArn ClusterArn ContainerInstanceArn TaskDefinitionArn ContainerArn AttachmentArn);
    assert!(accepted.into_iter().filter(|accepted| *accepted).count() <= 1, "{text:?} is of two kinds");
}

/// A header block with a signature that nobody made: read, and never verified.
pub fn sigv4_header(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let frame = tcs::Frame::split(text);
    let _ = Authorization::parse(text);
    let request = RequestParts::of_tcs_frame(frame.body, &frame);
    let signed = UNIX_EPOCH + Duration::from_secs(1_790_000_000);
    let secret = |_: &str| Some(Secret::new("a secret that no input was signed with"));
    assert!(verify(&request, &body_hash(b""), secret, signed, Duration::from_secs(u32::MAX.into())).is_err());
}
