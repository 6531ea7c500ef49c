//! The ECS API over JSON 1.1 (spec section 2).
//!
//! Owns the HTTP side: target, signature, body, error bodies. Each operation is a function over the model in a module of its own,
//! and knows nothing of HTTP.

mod attributes;
mod clusters;
mod definitions;
mod instances;
mod launch;
mod page;
mod shapes;
mod show;
mod submit;
mod tags;
mod tasks;

/// For tests that feed it tokens of their own.
#[doc(hidden)]
pub use page::page as try_page;

use crate::journal::JournalKind;
use crate::model::Model;
use crate::model::error::EcsError;
use crate::model::turn::Turn;
use crate::owner::Owner;
use crate::server::Shared;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header, request};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use std::time::Instant;
use wharf_protocol::api::{self, ApiError, Operation};

/// Answers `POST /`.
pub async fn handle(State(shared): State<Arc<Shared>>, parts: request::Parts, body: Bytes) -> Response {
    let arrived = Instant::now();
    let id = uuid::Uuid::new_v4();
    let target = parts.headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let operation = api::operation_of_target(target).unwrap_or(target);
    let answer = match shared.keys.verify(&parts, &body) {
        Ok(_signer) => dispatch(&shared, &parts.headers, operation, &body, arrived).await,
        Err(error) => Err(ApiError::from(error)),
    };
    let took = arrived.elapsed();
    match answer {
        Ok(body) => {
            tracing::debug!(operation, ?took, "answered");
            respond(StatusCode::OK, &id, None, body)
        }
        Err(error) => {
            tracing::info!(operation, code = error.code, message = error.message, "refused");
            let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            respond(status, &id, Some(&error.code), error.to_body())
        }
    }
}

fn respond(status: StatusCode, id: &uuid::Uuid, error: Option<&str>, body: String) -> Response {
    let mut headers = HeaderMap::new();
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = value.parse() {
            headers.insert(name, value);
        }
    };
    set(header::CONTENT_TYPE.as_str(), api::CONTENT_TYPE);
    set("x-amzn-requestid", &id.to_string());
    if let Some(code) = error {
        set("x-amzn-errortype", code);
    }
    (status, headers, body).into_response()
}

async fn dispatch(
    shared: &Shared,
    headers: &HeaderMap,
    operation: &str,
    body: &[u8],
    arrived: Instant,
) -> Result<String, ApiError> {
    let call = Call { owner: &shared.owner, body };
    match operation {
        "CreateCluster" => call.run::<api::CreateCluster>(clusters::create).await,
        "DeleteCluster" => call.run::<api::DeleteCluster>(clusters::delete).await,
        "DescribeClusters" => call.run::<api::DescribeClusters>(clusters::describe).await,
        "ListClusters" => call.run::<api::ListClusters>(clusters::list).await,
        "RegisterTaskDefinition" => call.run::<api::RegisterTaskDefinition>(definitions::register).await,
        "DescribeTaskDefinition" => call.run::<api::DescribeTaskDefinition>(definitions::describe).await,
        "ListTaskDefinitions" => call.run::<api::ListTaskDefinitions>(definitions::list).await,
        "ListTaskDefinitionFamilies" => call.run::<shapes::ListFamilies>(definitions::families).await,
        "DeregisterTaskDefinition" => {
            call.run::<api::DeregisterTaskDefinition>(definitions::deregister).await
        }
        "RunTask" => call.run::<api::RunTask>(launch::run).await,
        "StartTask" => call.run::<api::StartTask>(launch::start).await,
        "StopTask" => call.run::<api::StopTask>(tasks::stop).await,
        "DescribeTasks" => call.run::<api::DescribeTasks>(tasks::describe).await,
        "ListTasks" => call.run::<api::ListTasks>(tasks::list).await,
        "RegisterContainerInstance" => call.run::<api::RegisterContainerInstance>(instances::register).await,
        "DeregisterContainerInstance" => {
            call.run::<api::DeregisterContainerInstance>(instances::deregister).await
        }
        "DescribeContainerInstances" => {
            call.run::<api::DescribeContainerInstances>(instances::describe).await
        }
        "ListContainerInstances" => call.run::<api::ListContainerInstances>(instances::list).await,
        "UpdateContainerInstancesState" => {
            call.run::<api::UpdateContainerInstancesState>(instances::update_state).await
        }
        "PutAttributes" => call.run::<shapes::PutAttributes>(attributes::put).await,
        "DeleteAttributes" => call.run::<shapes::DeleteAttributes>(attributes::delete).await,
        "ListAttributes" => call.run::<shapes::ListAttributes>(attributes::list).await,
        "TagResource" => call.run::<shapes::TagResource>(tags::tag).await,
        "UntagResource" => call.run::<shapes::UntagResource>(tags::untag).await,
        "ListTagsForResource" => call.run::<api::ListTagsForResource>(tags::list).await,
        "DiscoverPollEndpoint" => call.answer::<api::DiscoverPollEndpoint>(|_| shared.endpoints(headers)),
        "SubmitTaskStateChange" => {
            call.decode::<api::SubmitTaskStateChange>().map(|request| note(shared, &request, arrived))?;
            call.run::<api::SubmitTaskStateChange>(submit::task).await
        }
        "SubmitContainerStateChange" => call.run::<api::SubmitContainerStateChange>(submit::container).await,
        "SubmitAttachmentStateChanges" => {
            call.run::<api::SubmitAttachmentStateChanges>(submit::attachments).await
        }
        unknown => {
            Err(EcsError::UnknownOperation(format!("This control plane has no operation '{unknown}'."))
                .into())
        }
    }
}

/// One request on its way to an operation.
struct Call<'a> {
    owner: &'a Owner,
    body: &'a [u8],
}

impl Call<'_> {
    fn decode<O: Operation>(&self) -> Result<O::Request, ApiError> {
        let serialization =
            |error: wharf_protocol::json::JsonError| EcsError::Serialization(error.to_string());
        Ok(api::decode(self.body).map_err(serialization)?)
    }

    /// Runs an operation in a turn of the model and waits until what it did is saved.
    async fn run<O: Operation>(
        &self,
        work: impl FnOnce(&mut Model, O::Request, &mut Turn) -> Result<O::Response, EcsError> + Send + 'static,
    ) -> Result<String, ApiError>
    where
        O::Request: Send + 'static,
        O::Response: Send + 'static,
    {
        let request = self.decode::<O>()?;
        let done = self.owner.call(move |model, turn| work(model, request, turn)).await;
        let response = done.map_err(|gone| EcsError::Server(gone.to_string()))??;
        Ok(api::encode(&response))
    }

    /// Answers an operation that needs no model.
    fn answer<O: Operation>(&self, work: impl FnOnce(O::Request) -> O::Response) -> Result<String, ApiError> {
        Ok(api::encode(&work(self.decode::<O>()?)))
    }
}

/// Tells the journal what an agent submitted.
fn note(shared: &Shared, request: &api::SubmitTaskStateChangeRequest, arrived: Instant) {
    let task = request.task.clone().unwrap_or_default();
    if request.attachments.iter().any(|change| change.status.as_deref() == Some("ATTACHED")) {
        shared.journal.note(arrived, &task, JournalKind::Attached);
    }
    if request.status.is_none() && request.containers.is_empty() {
        return;
    }
    let containers = request.containers.iter().map(|change| {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        (text(&change.container_name), text(&change.status), change.exit_code)
    });
    let kind = JournalKind::StateSubmitted {
        status: request.status.clone().unwrap_or_default(),
        containers: containers.collect(),
        reason: request.reason.clone().unwrap_or_default(),
    };
    shared.journal.note(arrived, &task, kind);
}
