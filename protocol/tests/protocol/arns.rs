//! Names of resources.

use wharf_protocol::arn::{ArnError, ClusterArn, ContainerInstanceArn, TaskArn, TaskDefinitionArn};

const TASK: &str = "arn:aws:ecs:us-west-2:111122223333:task/c1/0123456789abcdef0123456789abcdef";

#[test]
fn a_name_is_read_into_its_parts() {
    let arn = TaskArn::parse(TASK).unwrap();
    assert_eq!(
        (arn.region(), arn.account(), arn.id()),
        ("us-west-2", "111122223333", "0123456789abcdef0123456789abcdef")
    );
    assert_eq!(arn.as_str(), TASK);
    assert_eq!(format!("{arn} {arn:?}"), format!("{TASK} {TASK}"));
}

#[test]
fn the_old_form_without_cluster_is_read() {
    assert_eq!(TaskArn::parse("arn:aws:ecs:r:1:task/abc").unwrap().id(), "abc");
}

#[test]
fn a_name_of_another_kind_is_refused() {
    let wrong = ArnError::WrongKind { text: TASK.to_owned(), expected: "cluster" };
    assert_eq!(ClusterArn::parse(TASK), Err(wrong));
    assert!(TaskArn::parse("arn:aws:ecs:r:1:task-definition/web:1").is_err());
    assert!(ContainerInstanceArn::parse("arn:aws:ecs:r:1:container/x").is_err());
}

#[test]
fn what_is_no_name_is_refused() {
    let bad = [
        "",
        "arn",
        "arn:aws:ecs:r:1",
        "ARN:aws:ecs:r:1:task/x",
        "arn:aws:ecs:r:1:task/",
        "arn:aws:ecs:r:1:task//x",
    ];
    for text in
        bad.into_iter().chain(["arn:aws:ecs:r:1:task/a b", "arn:aws:ecs:r:1:task/a\n", "arn::ecs:r:1:task/x"])
    {
        assert!(TaskArn::parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn a_name_is_built_from_its_parts() {
    let arn = TaskDefinitionArn::build("eu-west-1", "1", "web:7").unwrap();
    assert_eq!(arn.as_str(), "arn:aws:ecs:eu-west-1:1:task-definition/web:7");
    assert!(TaskDefinitionArn::build("eu-west-1", "1", "").is_err());
}

#[test]
fn a_name_is_checked_when_it_is_decoded() {
    assert_eq!(serde_json::from_str::<TaskArn>(&format!("{TASK:?}")).unwrap().as_str(), TASK);
    assert!(serde_json::from_str::<TaskArn>("\"web\"").is_err());
}
