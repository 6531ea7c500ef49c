//! The websocket URLs of spec 3.1 and 4.1.

use crate::peer::identity;
use wharf_link::endpoint::{AgentIdentity, acs_url, tcs_url};

#[test]
fn the_acs_url_has_sorted_form_encoded_parameters() {
    let identity = AgentIdentity { cluster: "arn:aws:ecs:x:1:cluster/c 1".to_owned(), ..identity() };
    let url = acs_url("https://ecs-a-1.example", &identity, true).unwrap();
    assert_eq!(
        url.as_str(),
        "https://ecs-a-1.example/ws?agentHash=*abc123&agentVersion=0.1.0\
         &clusterArn=arn%3Aaws%3Aecs%3Ax%3A1%3Acluster%2Fc+1\
         &containerInstanceArn=arn%3Aaws%3Aecs%3Aeu-west-1%3A111122223333%3Acontainer-instance%2Fc1%2F9f8e\
         &dockerVersion=containerd&protocolVersion=2&sendCredentials=true&seqNum=1"
    );
}

#[test]
fn the_tcs_url_names_no_runtime() {
    let url = tcs_url("http://127.0.0.1:8080/", &identity()).unwrap();
    assert_eq!(
        url.as_str(),
        "http://127.0.0.1:8080/ws?agentHash=*abc123&agentVersion=0.1.0&cluster=c1\
         &containerInstance=arn%3Aaws%3Aecs%3Aeu-west-1%3A111122223333%3Acontainer-instance%2Fc1%2F9f8e"
    );
}

#[test]
fn ws_goes_below_the_endpoints_own_path() {
    let path = |endpoint| acs_url(endpoint, &identity(), false).unwrap().path().to_owned();
    assert_eq!(path("http://h/base"), "/base/ws");
    assert_eq!(path("http://h/base/"), "/base/ws");
    assert_eq!(path("http://h"), "/ws");
}

#[test]
fn credentials_are_asked_for_by_word() {
    let query = |send| acs_url("http://h", &identity(), send).unwrap().query().unwrap().to_owned();
    assert!(query(true).contains("sendCredentials=true"));
    assert!(query(false).contains("sendCredentials=false"));
}

#[test]
fn an_endpoint_without_scheme_is_https_and_other_schemes_are_refused() {
    assert_eq!(acs_url("ecs.example:8443", &identity(), true).unwrap().scheme(), "https");
    for endpoint in ["wss://h", "ws://h", "ftp://h", "", "http://"] {
        assert!(acs_url(endpoint, &identity(), true).is_err(), "{endpoint:?}");
    }
}
