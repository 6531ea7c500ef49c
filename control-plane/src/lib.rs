//! An ECS-compatible control plane: the public API, ACS and TCS.
