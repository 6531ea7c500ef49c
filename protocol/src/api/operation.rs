//! The list of operations that client and server share.
//!
//! Owns which request and response belong to which name. Refuses to dispatch: a server matches on the name itself.

use crate::json::{self, JsonError};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Content type of every request and response.
pub const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// What stands before the operation's name in `X-Amz-Target`, without the dot.
pub const TARGET_PREFIX: &str = "AmazonEC2ContainerServiceV20141113";

/// An operation of the ECS API, as a type: `RunTask::NAME`, `<RunTask as Operation>::Request`.
pub trait Operation {
    /// The operation's name.
    const NAME: &'static str;
    /// What the caller sends.
    type Request: Serialize + DeserializeOwned;
    /// What the caller receives.
    type Response: Serialize + DeserializeOwned;
}

macro_rules! operations {
    ($($name:ident: $request:ident => $response:ident,)*) => {
        $(
            #[doc = concat!("The operation `", stringify!($name), "`.")]
            #[derive(Debug, Clone, Copy, PartialEq, Eq)]
            pub struct $name;

            impl Operation for $name {
                const NAME: &'static str = stringify!($name);
                type Request = super::$request;
                type Response = super::$response;
            }
        )*

        /// The name of every operation in this crate.
        pub const OPERATIONS: &[&str] = &[$(stringify!($name)),*];
    };
}

operations! {
    CreateCluster: CreateClusterRequest => CreateClusterResponse,
    DeleteCluster: DeleteClusterRequest => DeleteClusterResponse,
    DescribeClusters: DescribeClustersRequest => DescribeClustersResponse,
    ListClusters: ListClustersRequest => ListClustersResponse,
    RegisterTaskDefinition: RegisterTaskDefinitionRequest => RegisterTaskDefinitionResponse,
    DescribeTaskDefinition: DescribeTaskDefinitionRequest => DescribeTaskDefinitionResponse,
    ListTaskDefinitions: ListTaskDefinitionsRequest => ListTaskDefinitionsResponse,
    DeregisterTaskDefinition: DeregisterTaskDefinitionRequest => DeregisterTaskDefinitionResponse,
    RunTask: RunTaskRequest => RunTaskResponse,
    StartTask: StartTaskRequest => StartTaskResponse,
    StopTask: StopTaskRequest => StopTaskResponse,
    DescribeTasks: DescribeTasksRequest => DescribeTasksResponse,
    ListTasks: ListTasksRequest => ListTasksResponse,
    RegisterContainerInstance: RegisterContainerInstanceRequest => RegisterContainerInstanceResponse,
    DeregisterContainerInstance: DeregisterContainerInstanceRequest => DeregisterContainerInstanceResponse,
    DescribeContainerInstances: DescribeContainerInstancesRequest => DescribeContainerInstancesResponse,
    ListContainerInstances: ListContainerInstancesRequest => ListContainerInstancesResponse,
    UpdateContainerInstancesState: UpdateContainerInstancesStateRequest => UpdateContainerInstancesStateResponse,
    DiscoverPollEndpoint: DiscoverPollEndpointRequest => DiscoverPollEndpointResponse,
    SubmitTaskStateChange: SubmitTaskStateChangeRequest => SubmitTaskStateChangeResponse,
    SubmitContainerStateChange: SubmitContainerStateChangeRequest => SubmitContainerStateChangeResponse,
    SubmitAttachmentStateChanges: SubmitAttachmentStateChangesRequest => SubmitAttachmentStateChangesResponse,
    ListTagsForResource: ListTagsForResourceRequest => ListTagsForResourceResponse,
    GetTaskProtection: GetTaskProtectionRequest => GetTaskProtectionResponse,
    UpdateTaskProtection: UpdateTaskProtectionRequest => UpdateTaskProtectionResponse,
}

/// The value of `X-Amz-Target` for an operation.
pub fn target<O: Operation>() -> String {
    format!("{TARGET_PREFIX}.{}", O::NAME)
}

/// The operation that an `X-Amz-Target` names; `None` when it is not a target of the ECS API.
pub fn operation_of_target(target: &str) -> Option<&str> {
    target.strip_prefix(TARGET_PREFIX)?.strip_prefix('.')
}

/// Decodes a request or a response; an empty body is an empty object.
pub fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, JsonError> {
    json::from_slice(if body.trim_ascii().is_empty() { b"{}" } else { body })
}

/// Encodes a request or a response.
pub fn encode(shape: &impl Serialize) -> String {
    json::to_string(shape)
}
