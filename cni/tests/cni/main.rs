//! The rules of the network, on the real kernel. Each test has a "host" of its own, a network namespace, so the machine is not touched.
#![forbid(unsafe_code)]

mod fabric;
mod lab;
