//! Names and forms on the wire, held against the models: what a full message says is what its type says, member by member.

use serde_json::{Map, Value, json};
use wharf_protocol::{acs, api, docker, tcs};

fn members(file: &str) -> Map<String, Value> {
    serde_json::from_str(file).unwrap()
}

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn no_member_of_an_acs_message_is_lost_or_renamed() {
    let messages = members(include_str!("../vectors/acs-members.json"));
    assert_eq!(messages.len(), acs::Message::TYPES.len());
    for (name, message) in messages {
        let frame = json!({ "type": name, "message": message });
        let Ok(acs::Decoded::Message(decoded)) = acs::decode(&frame.to_string()) else {
            panic!("{name} is unknown")
        };
        assert_eq!(json_of(&acs::encode(&decoded)), frame);
    }
}

#[test]
fn no_member_of_a_tcs_message_is_lost_or_renamed() {
    let messages = members(include_str!("../vectors/tcs-members.json"));
    assert_eq!(messages.len(), tcs::Message::TYPES.len());
    for (name, message) in messages {
        let frame = json!({ "type": name, "message": message });
        let Ok(tcs::Decoded::Message(decoded)) = tcs::decode(&frame.to_string()) else {
            panic!("{name} is unknown")
        };
        assert_eq!(json_of(&tcs::encode(&decoded)), frame);
    }
}

/// Decodes and encodes both directions of an operation's vector.
fn again<O: api::Operation>(vector: &Value) -> Value {
    let decode = |part: &str| vector[part].to_string().into_bytes();
    let request: O::Request = api::decode(&decode("request")).unwrap();
    let response: O::Response = api::decode(&decode("response")).unwrap();
    json!({ "request": json_of(&api::encode(&request)), "response": json_of(&api::encode(&response)) })
}

macro_rules! check_operations {
    ($vectors:ident: $($name:ident)*) => {
        $(assert_eq!(again::<api::$name>(&$vectors[stringify!($name)]), $vectors[stringify!($name)]);)*
    };
}

#[test]
fn no_member_of_an_operation_is_lost_or_renamed() {
    let vectors = members(include_str!("../vectors/api-members.json"));
    let mut names: Vec<&str> = api::OPERATIONS.to_vec();
    names.sort_unstable();
    assert_eq!(vectors.keys().collect::<Vec<_>>(), names);
    check_operations! { vectors:
        CreateCluster DeleteCluster DescribeClusters ListClusters RegisterTaskDefinition DescribeTaskDefinition ListTaskDefinitions
        DeregisterTaskDefinition RunTask StartTask StopTask DescribeTasks ListTasks RegisterContainerInstance
        DeregisterContainerInstance DescribeContainerInstances ListContainerInstances UpdateContainerInstancesState
        DiscoverPollEndpoint SubmitTaskStateChange SubmitContainerStateChange SubmitAttachmentStateChanges ListTagsForResource
        GetTaskProtection UpdateTaskProtection
    }
}

#[test]
fn the_example_exchange_of_the_specification_reads_as_it_is_written() {
    let frames = [
        r#"{"type":"HeartbeatMessage","message":{"healthy":true,"messageId":"h-1"}}"#,
        r#"{"type":"HeartbeatAckRequest","message":{"messageId":"h-1"}}"#,
        r#"{"type":"TaskManifestMessage","message":{"containerInstanceArn":"i","clusterArn":"c","tasks":[],"generatedAt":1790000000000,"messageId":"m-1","timeline":1}}"#,
        r#"{"type":"AckRequest","message":{"cluster":"c","containerInstance":"i","messageId":"m-1"}}"#,
        r#"{"type":"TaskStopVerificationMessage","message":{"messageId":"m-1","stopCandidates":[{"taskArn":"t","taskClusterArn":"c","desiredStatus":"STOPPED"}]}}"#,
        r#"{"type":"TaskStopVerificationAck","message":{"generatedAt":1790000000100,"messageId":"m-1","stopTasks":[{"taskArn":"t","taskClusterArn":"c","desiredStatus":"STOPPED"}]}}"#,
    ];
    for frame in frames {
        let Ok(acs::Decoded::Message(message)) = acs::decode(frame) else { panic!("{frame}") };
        assert_eq!(acs::encode(&message), frame);
    }
}

#[test]
fn lists_that_peers_index_into_are_sent_when_empty() {
    assert_eq!(api::encode(&api::DescribeTasksResponse::default()), r#"{"tasks":[],"failures":[]}"#);
    assert_eq!(api::encode(&api::DescribeTasksRequest::default()), "{}");
    let container = acs::Container { name: Some("web".to_owned()), ..acs::Container::default() };
    assert_eq!(
        serde_json::to_value(&container).unwrap(),
        json!({"name": "web", "mountPoints": [], "volumesFrom": []})
    );
}

#[test]
fn an_empty_set_of_ports_is_sent_and_told_from_an_absent_one() {
    let resource: api::Resource =
        api::decode(br#"{"name":"PORTS_UDP","type":"STRINGSET","stringSetValue":[]}"#).unwrap();
    assert_eq!(resource.string_set_value, Some(Vec::new()));
    assert_eq!(api::encode(&resource), r#"{"name":"PORTS_UDP","type":"STRINGSET","stringSetValue":[]}"#);
}

#[test]
fn false_zero_and_the_empty_text_are_sent() {
    let heartbeat = acs::HeartbeatMessage { healthy: Some(false), message_id: Some(String::new()) };
    assert_eq!(serde_json::to_string(&heartbeat).unwrap(), r#"{"healthy":false,"messageId":""}"#);
    let mapping = acs::PortMapping { host_port: Some(0), ..acs::PortMapping::default() };
    assert_eq!(serde_json::to_string(&mapping).unwrap(), r#"{"hostPort":0}"#);
}

#[test]
fn docker_strings_bear_dockers_names() {
    let config = r#"{"Hostname":"h","User":"0","Tty":true,"OpenStdin":true,"HealthCheck":{"Test":["CMD","true"],"Interval":30000000000,"Timeout":5000000000,"StartPeriod":1,"Retries":3},"WorkingDir":"/","NetworkDisabled":false,"Labels":{"A.b":"c"}}"#;
    assert_eq!(docker::Config::parse(config).unwrap().to_text(), config);
    let host = r#"{"LogConfig":{"Type":"awsfirelens","Config":{"Name":"x"}},"NetworkMode":"awsvpc","CapAdd":[],"CapDrop":["ALL"],"Dns":["10.0.0.2"],"DnsSearch":["a"],"ExtraHosts":["db:10.0.0.9"],"Privileged":false,"ReadonlyRootfs":true,"SecurityOpt":["no-new-privileges"],"Tmpfs":{"/run":"size=1m"},"ShmSize":67108864,"Sysctls":{"net.core.somaxconn":"1"},"Init":true,"Devices":[{"PathOnHost":"/dev/fuse","PathInContainer":"/dev/fuse","CgroupPermissions":"rwm"}],"MemoryReservation":1,"MemorySwap":-1,"MemorySwappiness":0,"Ulimits":[{"Name":"nofile","Soft":1,"Hard":2}]}"#;
    assert_eq!(docker::HostConfig::parse(host).unwrap().to_text(), host);
}
