//! Rules of verifying that need the inside: AWS's published signatures, which are scoped to a service called `service`.

use super::verify::{Claim, RequestParts, body_hash};
use super::{Authorization, VerifyError, canonical};
use crate::Secret;
use serde::Deserialize;

#[derive(Deserialize)]
struct Vector {
    name: String,
    request: String,
    canonical: String,
}

fn suite() -> Vec<Vector> {
    serde_json::from_str(include_str!("../../tests/vectors/sigv4-suite.json")).unwrap()
}

/// Reads the suite's HTTP text; a line that begins with a space continues the header before it.
fn parse(text: &str) -> (RequestParts<'_>, &str) {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let (request_line, lines) = head.split_once('\n').unwrap();
    let target = request_line.split_once(' ').unwrap().1.strip_suffix(" HTTP/1.1").unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut headers: Vec<(String, String)> = Vec::new();
    for line in lines.lines() {
        match line.split_once(':').filter(|_| !line.starts_with(' ')) {
            Some((name, value)) => headers.push((name.to_owned(), value.to_owned())),
            None => headers.last_mut().unwrap().1.push_str(line),
        }
    }
    let headers = headers.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
    let method = request_line.split(' ').next().unwrap();
    (RequestParts { method: method.into(), path: path.into(), query: query.into(), headers }, body)
}

fn check(vector: &Vector, secret: &str) -> Result<(), VerifyError> {
    let (request, body) = parse(&vector.request);
    let claim = Claim::read(&request, "service")?;
    claim.check_signature(&request, &body_hash(body.as_bytes()), &Secret::new(secret)).map(drop)
}

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// The one vector that adds its token after signing; all others have to verify.
const UNSIGNED_TOKEN: &str = "post-sts-header-after";

#[test]
fn every_request_of_the_aws_signing_suite_verifies() {
    let suite = suite();
    assert!(suite.len() > 25, "the suite has {} vectors", suite.len());
    for vector in suite.iter().filter(|vector| vector.name != UNSIGNED_TOKEN) {
        assert_eq!(check(vector, SECRET), Ok(()), "{}", vector.name);
        assert_eq!(check(vector, "another secret"), Err(VerifyError::Mismatch), "{}", vector.name);
    }
}

#[test]
fn a_token_that_is_not_signed_is_refused() {
    let suite = suite();
    let vector = suite.iter().find(|vector| vector.name == UNSIGNED_TOKEN).unwrap();
    let refused = Err(VerifyError::NotSigned { name: "x-amz-security-token".to_owned() });
    assert_eq!(check(vector, SECRET), refused);
}

#[test]
fn canonical_requests_are_those_of_the_aws_signing_suite() {
    for vector in suite() {
        let (request, body) = parse(&vector.request);
        let header = request.values("authorization").next().unwrap();
        let signed = Authorization::parse(header).unwrap().signed_headers;
        let text = canonical::request(&request, &signed, &body_hash(body.as_bytes()));
        assert_eq!(text, vector.canonical, "{}", vector.name);
    }
}
