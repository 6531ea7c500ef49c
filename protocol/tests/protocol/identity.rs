//! Encoding and decoding again gives the same value, for every type that travels.

use crate::arbitrary::any_wire;
use proptest::prelude::*;
use std::time::SystemTime;
use wharf_protocol::{Timestamp, acs, api, docker, json, tcs};

/// For each message type: what is drawn comes back from its frame.
macro_rules! frames {
    ($protocol:ident, $test:ident: $($name:ident)*) => {
        #[test]
        fn $test() {
            let tested = [$(stringify!($name)),*];
            assert_eq!(tested, $protocol::Message::TYPES, "every message type has its property");
            $(proptest!(ProptestConfig::with_cases(48), |(message in any_wire::<$protocol::$name>())| {
                let message = $protocol::Message::from(message);
                let decoded = $protocol::decode(&$protocol::encode(&message)).unwrap();
                prop_assert_eq!(decoded, $protocol::Decoded::Message(message));
            });)*
        }
    };
}

frames! { acs, every_acs_message_survives_its_frame:
    HeartbeatMessage PayloadMessage IAMRoleCredentialsMessage TaskManifestMessage TaskStopVerificationAck
    AttachTaskNetworkInterfacesMessage AttachInstanceNetworkInterfacesMessage ConfirmAttachmentMessage StageUpdateMessage
    PerformUpdateMessage CloseMessage ErrorMessage AckRequest NackRequest HeartbeatAckRequest IAMRoleCredentialsAckRequest
    TaskStopVerificationMessage
}

frames! { tcs, every_tcs_message_survives_its_frame:
    HeartbeatMessage PublishMetricsRequest PublishHealthRequest PublishInstanceStatusRequest AckPublishMetric AckPublishHealth
    AckPublishInstanceStatus StopTelemetrySessionMessage
}

/// Both directions of an operation.
fn survives<O: api::Operation>() -> &'static str
where
    O::Request: std::fmt::Debug + PartialEq,
    O::Response: std::fmt::Debug + PartialEq,
{
    proptest!(ProptestConfig::with_cases(48), |(request in any_wire::<O::Request>(), response in any_wire::<O::Response>())| {
        prop_assert_eq!(api::decode::<O::Request>(api::encode(&request).as_bytes()), Ok(request));
        prop_assert_eq!(api::decode::<O::Response>(api::encode(&response).as_bytes()), Ok(response));
    });
    O::NAME
}

macro_rules! operations {
    ($($name:ident)*) => { [$(survives::<api::$name>()),*] };
}

#[test]
fn every_request_and_response_survives_its_body() {
    let tested = operations! {
        CreateCluster DeleteCluster DescribeClusters ListClusters RegisterTaskDefinition DescribeTaskDefinition ListTaskDefinitions
        DeregisterTaskDefinition RunTask StartTask StopTask DescribeTasks ListTasks RegisterContainerInstance
        DeregisterContainerInstance DescribeContainerInstances ListContainerInstances UpdateContainerInstancesState
        DiscoverPollEndpoint SubmitTaskStateChange SubmitContainerStateChange SubmitAttachmentStateChanges ListTagsForResource
        GetTaskProtection UpdateTaskProtection
    };
    assert_eq!(tested, api::OPERATIONS, "every operation has its property");
}

proptest! {
    #[test]
    fn docker_strings_survive_their_text(config in any_wire::<docker::Config>(), host in any_wire::<docker::HostConfig>()) {
        prop_assert_eq!(docker::Config::parse(&config.to_text()), Ok(config));
        prop_assert_eq!(docker::HostConfig::parse(&host.to_text()), Ok(host));
    }

    #[test]
    fn every_millisecond_of_the_calendar_survives(millis in Timestamp::MIN.as_millis()..=Timestamp::MAX.as_millis()) {
        let time = Timestamp::from_millis(millis);
        prop_assert_eq!(json::from_str(&serde_json::to_string(&time).unwrap()), Ok(time));
        prop_assert_eq!(Timestamp::from(SystemTime::from(time)), time);
    }
}
