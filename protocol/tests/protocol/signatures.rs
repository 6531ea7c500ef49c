//! What is signed here verifies here, and nothing else does.

use proptest::prelude::*;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use wharf_protocol::api::ApiError;
use wharf_protocol::sigv4::{
    Credentials, RequestParts, SignError, Signer, UNSIGNED_PAYLOAD, Verified, VerifyError, body_hash, verify,
};
use wharf_protocol::{Secret, tcs};

const SKEW: Duration = Duration::from_secs(15 * 60);

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_790_000_000)
}

fn credentials(token: Option<&str>) -> Credentials {
    Credentials {
        access_key_id: "AKIDEXAMPLE".to_owned(),
        secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
        session_token: token.map(Secret::new),
    }
}

fn lookup(key: &str) -> Option<Secret> {
    (key == "AKIDEXAMPLE").then(|| credentials(None).secret_access_key)
}

fn signer(credentials: &Credentials) -> Signer<'_> {
    Signer { credentials, region: "us-west-2", time: now() }
}

/// A received request: what the signer returned, beside what the HTTP client adds.
fn received(method: &str, target: &str, host: &str, headers: Vec<(String, String)>) -> RequestParts<'static> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let added = [("Host".to_owned(), host.to_owned()), ("User-Agent".to_owned(), "test".to_owned())];
    let headers = headers.into_iter().chain(added).map(|(name, value)| (name.into(), value.into()));
    RequestParts {
        method: method.to_owned().into(),
        path: path.to_owned().into(),
        query: query.to_owned().into(),
        headers: headers.collect(),
    }
}

fn check(request: &RequestParts<'_>, body: &[u8]) -> Result<Verified, VerifyError> {
    verify(request, &body_hash(body), lookup, now(), SKEW)
}

const BODY: &[u8] = br#"{"cluster":"c1"}"#;

fn api_call(token: Option<&str>) -> RequestParts<'static> {
    let credentials = credentials(token);
    let headers = signer(&credentials).api("http://127.0.0.1:8080", "ListTasks", BODY).unwrap();
    received("POST", "/", "127.0.0.1:8080", headers)
}

/// Replaces the value of a header.
fn set(request: &mut RequestParts<'_>, name: &str, value: &str) {
    let header = request.headers.iter_mut().find(|(other, _)| other.eq_ignore_ascii_case(name)).unwrap();
    header.1 = value.to_owned().into();
}

#[test]
fn an_api_call_verifies_and_says_who_signed() {
    let verified = check(&api_call(Some("token")), BODY).unwrap();
    assert_eq!((verified.access_key_id.as_str(), verified.region.as_str()), ("AKIDEXAMPLE", "us-west-2"));
    assert_eq!(verified.session_token, Some(Secret::new("token")));
    assert_eq!(SystemTime::from(verified.signed_at), now());
    assert!(verified.payload_signed);
    assert_eq!(check(&api_call(None), BODY).unwrap().session_token, None);
}

#[test]
fn a_websocket_handshake_verifies_with_the_port_in_its_host() {
    let credentials = credentials(None);
    let query = "agentVersion=1.105.1&clusterArn=default&containerInstanceArn=arn%3Aaws%3Aecs%3Ar%3A1%3Ax%2Fy&dockerVersion=DockerVersion%3A+25.0.8&seqNum=1";
    for (scheme, host) in [("ws", "127.0.0.1:80"), ("wss", "ecs-a-1.example"), ("http", "[::1]:9000")] {
        let headers = signer(&credentials).websocket(&format!("{scheme}://{host}/ws?{query}")).unwrap();
        let request = received("GET", &format!("/ws?{query}"), host, headers);
        assert_eq!(check(&request, b"").map(drop), Ok(()), "{scheme}://{host}");
    }
}

#[test]
fn a_tcs_frame_verifies_against_the_url_of_its_connection() {
    let credentials = credentials(Some("token"));
    let envelope = r#"{"type":"PublishMetricsRequest","message":{}}"#;
    let text =
        signer(&credentials).tcs_frame("https://tcs.example/ws?cluster=c1&agentHash=a", envelope).unwrap();
    let names: Vec<&str> = text.lines().map_while(|line| Some(line.split_once(": ")?.0)).collect();
    assert_eq!(
        names,
        ["Authorization", "Host", "X-Amz-Date", "X-Amz-Security-Token"],
        "sorted, as the Go agent writes them"
    );

    let frame = tcs::Frame::split(&text);
    assert_eq!(frame.body, envelope);
    let hash = body_hash(frame.body.as_bytes());
    let verdict = |path| verify(&RequestParts::of_tcs_frame(path, &frame), &hash, lookup, now(), SKEW);
    assert_eq!(verdict("/ws?cluster=c1&agentHash=a").unwrap().session_token, Some(Secret::new("token")));
    assert_eq!(
        verdict("/ws?agentHash=a&cluster=c1").map(drop),
        Ok(()),
        "the order of the query does not count"
    );
    assert_eq!(verdict("/ws?agentHash=a&cluster=c2"), Err(VerifyError::Mismatch));
}

#[test]
fn whatever_is_signed_cannot_be_changed() {
    for (name, value) in
        [("host", "elsewhere"), ("x-amz-target", "AmazonEC2ContainerServiceV20141113.StopTask")]
    {
        let mut request = api_call(None);
        set(&mut request, name, value);
        assert_eq!(check(&request, BODY), Err(VerifyError::Mismatch), "{name}");
    }
    assert_eq!(check(&api_call(None), br#"{"cluster":"c2"}"#), Err(VerifyError::Mismatch));
    let mut request = api_call(None);
    request.method = "GET".into();
    assert_eq!(check(&request, BODY), Err(VerifyError::Mismatch));
    request = api_call(None);
    request.path = "/other".into();
    assert_eq!(check(&request, BODY), Err(VerifyError::Mismatch));
    request = api_call(None);
    request.query = "a=b".into();
    assert_eq!(check(&request, BODY), Err(VerifyError::Mismatch));
}

#[test]
fn a_header_with_meaning_cannot_be_slipped_in() {
    let mut request = api_call(None);
    request.headers.push(("X-Amz-Security-Token".into(), "stolen".into()));
    let error = check(&request, BODY).unwrap_err();
    assert_eq!(error, VerifyError::NotSigned { name: "x-amz-security-token".to_owned() });
    assert_eq!(error.code(), "InvalidSignatureException");
}

#[test]
fn a_second_value_of_a_signed_header_is_refused() {
    for name in ["authorization", "x-amz-date", "x-amz-target", "host"] {
        let mut request = api_call(None);
        let (_, value) =
            request.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).unwrap().clone();
        request.headers.push((name.into(), value));
        assert!(check(&request, BODY).is_err(), "{name}");
    }
}

#[test]
fn an_unknown_key_and_a_wrong_secret_are_told_apart() {
    let unknown = verify(&api_call(None), &body_hash(BODY), |_| None, now(), SKEW).unwrap_err();
    assert_eq!((unknown.code(), unknown.clone()), ("UnrecognizedClientException", VerifyError::UnknownKey));
    let wrong = verify(&api_call(None), &body_hash(BODY), |_| Some(Secret::new("x")), now(), SKEW);
    assert_eq!(wrong, Err(VerifyError::Mismatch));
}

#[test]
fn a_signature_is_good_for_the_allowed_skew_either_way() {
    let at = |time| verify(&api_call(None), &body_hash(BODY), lookup, time, SKEW).map(drop);
    assert_eq!(at(now() + SKEW), Ok(()));
    assert_eq!(at(now() - SKEW), Ok(()));
    let late = VerifyError::Skew { skew_seconds: 901 };
    assert_eq!(at(now() + SKEW + Duration::from_secs(1)), Err(late.clone()));
    assert_eq!(at(now() - SKEW - Duration::from_secs(1)), Err(late));
}

#[test]
fn a_request_without_signature_or_with_half_of_one_is_named() {
    let bare = received("POST", "/", "h", Vec::new());
    assert_eq!(check(&bare, b"").unwrap_err().code(), "MissingAuthenticationTokenException");
    let good = api_call(None);
    let (_, whole) = good.headers.iter().find(|(name, _)| name == "authorization").unwrap();
    let halves = [
        "",
        "Bearer x",
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 Credential=a/b/c",
        "AWS4-HMAC-SHA512 Credential=a",
    ];
    for half in halves
        .into_iter()
        .map(str::to_owned)
        .chain([whole.replace("aws4_request", "x"), whole.replace("Signature=", "")])
    {
        let mut request = api_call(None);
        set(&mut request, "authorization", &half);
        assert_eq!(check(&request, BODY).unwrap_err().code(), "IncompleteSignatureException", "{half}");
    }
}

#[test]
fn a_date_that_is_none_or_another_day_is_refused() {
    for date in [
        "",
        "20260921",
        "2026-09-21T12:53:20Z",
        "20261321T125320Z",
        "-0260921T125320Z",
        "20260921T125320Z\u{e9}",
    ] {
        let mut request = api_call(None);
        set(&mut request, "x-amz-date", date);
        assert_eq!(check(&request, BODY).unwrap_err().code(), "IncompleteSignatureException", "{date}");
    }
    let mut request = api_call(None);
    set(&mut request, "x-amz-date", "20260922T125320Z");
    assert!(matches!(check(&request, BODY), Err(VerifyError::Scope { .. })));
}

#[test]
fn a_scope_of_another_service_is_refused() {
    let mut request = api_call(None);
    let (_, whole) = request.headers.iter().find(|(name, _)| name == "authorization").unwrap().clone();
    set(&mut request, "authorization", &whole.replace("/ecs/", "/s3/"));
    assert!(matches!(check(&request, BODY), Err(VerifyError::Scope { .. })));
}

#[test]
fn a_stated_hash_has_to_be_the_bodys_unless_the_payload_is_left_out() {
    let credentials = credentials(None);
    let signed = |hash: &str| {
        let stated = [("x-amz-content-sha256", hash)];
        let mut headers = signer(&credentials).request("POST", "http://h/", &stated, BODY).unwrap();
        headers.push(("x-amz-content-sha256".to_owned(), hash.to_owned()));
        received("POST", "/", "h", headers)
    };
    assert_eq!(check(&signed(&body_hash(BODY)), BODY).map(|verified| verified.payload_signed), Ok(true));
    assert_eq!(check(&signed(&body_hash(b"other")), BODY), Err(VerifyError::Mismatch));
    // The signer hashed the body, so a request that claims to leave it out carries another signature.
    assert_eq!(check(&signed(UNSIGNED_PAYLOAD), BODY), Err(VerifyError::Mismatch));
}

#[test]
fn a_url_that_leads_nowhere_is_a_clear_error() {
    let credentials = credentials(None);
    for url in ["", "/ws", "ecs.example", "http://", "http://a b/", "ftp://h/"] {
        assert!(matches!(signer(&credentials).websocket(url), Err(SignError::Url { .. })), "{url:?}");
    }
}

#[test]
fn refusals_become_errors_of_the_api() {
    let error = ApiError::from(VerifyError::UnknownKey);
    assert_eq!((error.status, error.code.as_str()), (400, "UnrecognizedClientException"));
}

#[test]
fn an_http_request_is_taken_as_it_was_received() {
    let credentials = credentials(None);
    let headers = signer(&credentials).api("http://h:1/", "ListTasks", BODY).unwrap();
    let mut builder = http::Request::post("/").header("host", "h:1");
    for (name, value) in &headers {
        builder = builder.header(name, value);
    }
    let (parts, ()) = builder.body(()).unwrap().into_parts();
    assert_eq!(check(&RequestParts::from(&parts), BODY).map(drop), Ok(()));
}

proptest! {
    #[test]
    fn what_is_signed_verifies_and_fails_with_one_byte_changed(
        pairs in proptest::collection::vec(("[a-zA-Z0-9 +%&=/:ü~]{0,8}", "[ -~é]{0,12}"), 0..5),
        path in "(/[a-z0-9.%~+-]{0,6}){0,4}",
        body in proptest::collection::vec(any::<u8>(), 1..64),
        value in "[ -~]{0,20}",
        at in any::<proptest::sample::Index>(),
    ) {
        let encode = |text: &str| text.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
        let query: Vec<String> = pairs.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        let target = format!("/{}?{}", path.trim_start_matches('/'), query.join("&"));
        let credentials = credentials(None);
        let extra = [("x-amz-meta", value.as_str())];
        let mut headers = signer(&credentials).request("POST", &format!("http://h{target}"), &extra, &body).unwrap();
        headers.push(("X-Amz-Meta".to_owned(), value.clone()));
        let request = received("POST", &target, "h", headers);
        prop_assert_eq!(check(&request, &body).map(drop), Ok(()));

        let mut tampered = body.clone();
        tampered[at.index(body.len())] ^= 1;
        prop_assert_eq!(check(&request, &tampered), Err(VerifyError::Mismatch));
    }

    #[test]
    fn signing_never_panics(url in "(wss?|https?)://[^ ]{0,20}", key in any::<String>(), token in any::<String>(), region in any::<String>()) {
        let credentials = Credentials {
            access_key_id: key,
            secret_access_key: Secret::new("secret"),
            session_token: Some(Secret::new(token)),
        };
        let signer = Signer { credentials: &credentials, region: &region, time: now() };
        let _ = signer.websocket(&url);
        let _ = signer.tcs_frame(&url, "{}");
        let _ = signer.api(&url, "ListTasks", b"{}");
    }
}
