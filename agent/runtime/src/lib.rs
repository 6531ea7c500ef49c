//! containerd for Wharf: images, containers, exits, over gRPC.
