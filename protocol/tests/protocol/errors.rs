//! Errors of the API in the forms they come in (spec 2.1).

use wharf_protocol::api::{self, ApiError, Operation};

#[test]
fn the_code_is_taken_from_the_header_then_the_body() {
    let body = br#"{"__type":"FromType","code":"FromCode","message":"m"}"#;
    assert_eq!(ApiError::parse(400, Some("FromHeader"), body).code, "FromHeader");
    assert_eq!(ApiError::parse(400, None, body).code, "FromType");
    assert_eq!(
        ApiError::parse(400, Some(""), br#"{"code":"FromCode","Message":"M"}"#),
        ApiError::client("FromCode", "M")
    );
    assert_eq!(ApiError::parse(502, None, b"<html>").code, "UnknownError");
}

#[test]
fn prefix_and_suffix_of_the_code_are_stripped() {
    for code in
        ["ns.v1#ClientException", "ClientException:http://internal/x", " ns#ClientException:http://a#b"]
    {
        assert_eq!(ApiError::parse(400, Some(code), b"").code, "ClientException", "{code}");
    }
}

#[test]
fn an_error_survives_its_body() {
    let error = ApiError::client("InvalidParameterException", "Container.image should not be \"null\"");
    assert_eq!(
        error.to_body(),
        r#"{"__type":"InvalidParameterException","message":"Container.image should not be \"null\""}"#
    );
    assert_eq!(ApiError::parse(400, None, error.to_body().as_bytes()), error);
    assert!(!error.is_server_fault() && ApiError::server("down").is_server_fault());
}

#[test]
fn a_target_names_its_operation() {
    let target = api::target::<api::RunTask>();
    assert_eq!(target, "AmazonEC2ContainerServiceV20141113.RunTask");
    assert_eq!(api::operation_of_target(&target), Some(api::RunTask::NAME));
    assert_eq!(api::operation_of_target("AmazonEC2ContainerRegistry_V20150921.RunTask"), None);
    assert_eq!(api::operation_of_target("AmazonEC2ContainerServiceV20141113"), None);
}

#[test]
fn an_empty_body_is_an_empty_object() {
    assert_eq!(api::decode::<api::ListClustersRequest>(b" \n"), Ok(api::ListClustersRequest::default()));
}
