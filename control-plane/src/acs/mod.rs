//! ACS: what agents are told to run (spec section 3).
//!
//! `message`, `container` and `docker` make messages from the model; `session` speaks them on a websocket.

mod container;
mod docker;
pub mod message;
pub mod session;
