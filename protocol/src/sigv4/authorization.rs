//! The `Authorization` header taken apart.
//!
//! Owns its grammar; refuses to judge what it says.

use super::{ALGORITHM, VerifyError};

/// What an `Authorization` header of Signature Version 4 says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorization<'a> {
    /// The public half of the keys.
    pub access_key_id: &'a str,
    /// The day of the scope, `YYYYMMDD`.
    pub date: &'a str,
    /// The region of the scope.
    pub region: &'a str,
    /// The service of the scope.
    pub service: &'a str,
    /// Names of the signed headers in the order given.
    pub signed_headers: Vec<&'a str>,
    /// The signature, 64 hexadecimal digits.
    pub signature: &'a str,
}

impl<'a> Authorization<'a> {
    /// Reads `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`; spaces after the commas are optional.
    pub fn parse(header: &'a str) -> Result<Self, VerifyError> {
        let incomplete = |what| VerifyError::Incomplete { what };
        let (algorithm, rest) = header.trim().split_once(' ').ok_or(incomplete("parameters"))?;
        if algorithm != ALGORITHM {
            return Err(incomplete("the algorithm AWS4-HMAC-SHA256"));
        }
        let parameter = |name: &str| {
            let pairs = rest.split(',').filter_map(|pair| pair.trim().split_once('='));
            pairs.filter(|(key, _)| *key == name).map(|(_, value)| value).find(|value| !value.is_empty())
        };
        let credential = parameter("Credential").ok_or(incomplete("'Credential'"))?;
        let signed_headers = parameter("SignedHeaders").ok_or(incomplete("'SignedHeaders'"))?;
        let signature = parameter("Signature").ok_or(incomplete("'Signature'"))?;
        // An access key may not hold a slash, so the scope is the last four parts of five.
        let parts: Vec<&str> = credential.split('/').collect();
        let [access_key_id, date, region, service, "aws4_request"] = parts[..] else {
            return Err(incomplete("a credential of five parts that ends in 'aws4_request'"));
        };
        let signed_headers = signed_headers.split(';').collect();
        Ok(Self { access_key_id, date, region, service, signed_headers, signature })
    }
}
