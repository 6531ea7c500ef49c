//! Bodies of refused handshakes (spec 3.2, 4.3).

use wharf_protocol::Refusal;

#[test]
fn a_refusal_is_read_from_both_forms() {
    let refusal = Refusal { exception: "InactiveInstanceException".to_owned(), text: "gone".to_owned() };
    let bodies = [
        r#"{"InactiveInstanceException":"gone"}"#,
        r#"{"InactiveInstanceException":{"message":"gone"}}"#,
        r#"{"type":"InactiveInstanceException","message":{"message":"gone"}}"#,
        r#"{"message":"gone","type":"InactiveInstanceException"}"#,
    ];
    for body in bodies {
        assert_eq!(Refusal::parse(body).as_ref(), Some(&refusal), "{body}");
    }
    assert_eq!(Refusal::parse(&refusal.to_body()), Some(refusal.clone()));
    assert_eq!(refusal.to_string(), "InactiveInstanceException: gone");
    assert!(refusal.is_inactive_instance());
}

#[test]
fn another_body_is_no_refusal() {
    for body in ["", "Bad Gateway", "[]", "{}", r#"{"a":"b","c":"d"}"#, r#"{"a":1}"#] {
        assert_eq!(Refusal::parse(body), None, "{body}");
    }
}

#[test]
fn a_refusal_without_text_still_names_its_exception() {
    let refusal = Refusal::parse(r#"{"type":"ServerException"}"#).unwrap();
    assert_eq!((refusal.exception.as_str(), refusal.text.as_str()), ("ServerException", ""));
    assert!(!refusal.is_inactive_instance());
}
