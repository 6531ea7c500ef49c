//! The ECS API: JSON 1.1 over `POST /` (spec section 2).
//!
//! Owns the operations, their request and response shapes with the public model's exact names, and the form of errors. Refuses HTTP.

mod agent;
mod cluster;
mod common;
mod container_definition;
mod container_instance;
mod error;
mod launch;
mod operation;
mod protection;
mod task;
mod task_definition;
mod volume;

pub use agent::*;
pub use cluster::*;
pub use common::*;
pub use container_definition::*;
pub use container_instance::*;
pub use error::ApiError;
pub use launch::*;
pub use operation::*;
pub use protection::*;
pub use task::*;
pub use task_definition::*;
pub use volume::*;
