//! The record of a container in containerd: written once, and found again.

use super::create::CreateError;
use super::{CreateContainer, INSCRIPTION, SHIM_GROUP_LABEL};
use crate::connect::Shared;
use crate::rpc::{self, QUICK};
use containerd_client::services::v1::container::Runtime;
use containerd_client::services::v1::{Container, CreateContainerRequest, GetContainerRequest};
use prost_types::Any;
use std::collections::HashMap;

const INSCRIPTION_TYPE: &str = "wharf/inscription";

/// Whether the record of a container is new.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Record {
    New,
    Adopted,
}

/// Writes the record. It goes before the snapshot: from then on containerd knows who needs it and does not collect it.
pub(super) async fn record(
    shared: &Shared,
    request: &CreateContainer,
    spec: &Any,
) -> Result<Record, CreateError> {
    let id = &request.id;
    let mut labels: HashMap<String, String> =
        request.labels.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    labels.insert(SHIM_GROUP_LABEL.to_owned(), request.shim_group.clone());
    let container = Container {
        id: id.clone(),
        labels,
        image: request.image.clone(),
        runtime: Some(Runtime { name: shared.config.runtime.clone(), options: None }),
        spec: Some(spec.clone()),
        snapshotter: shared.config.snapshotter.clone(),
        snapshot_key: id.clone(),
        extensions: inscribed(&request.inscription),
        ..Container::default()
    };
    let rpc_error = |source| CreateError::Rpc { id: id.clone(), source };
    let create = CreateContainerRequest { container: Some(container) };
    match rpc::call("Containers.Create", QUICK, shared.containers().create(create)).await {
        Ok(_) => Ok(Record::New),
        Err(error) if error.is_already_exists() => {
            let get = GetContainerRequest { id: id.clone() };
            let existing = rpc::call("Containers.Get", QUICK, shared.containers().get(get)).await;
            let existing = existing.map_err(rpc_error)?.container.unwrap_or_default();
            if same_spec(existing.spec.as_ref(), spec) && existing.image == request.image {
                Ok(Record::Adopted)
            } else {
                Err(CreateError::Exists { id: id.clone() })
            }
        }
        Err(error) => Err(rpc_error(error)),
    }
}

fn inscribed(inscription: &[u8]) -> HashMap<String, Any> {
    let any = Any { type_url: INSCRIPTION_TYPE.to_owned(), value: inscription.to_vec() };
    [(INSCRIPTION.to_owned(), any)].into()
}

/// Compares what the specs say: lists that stand for sets may be written in another order.
fn same_spec(one: Option<&Any>, other: &Any) -> bool {
    let parse = |any: &Any| serde_json::from_slice::<oci_spec::runtime::Spec>(&any.value).ok();
    one.is_some_and(|one| parse(one).is_some_and(|one| Some(one) == parse(other)))
}
