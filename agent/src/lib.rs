//! The Wharf agent: a daemon that runs ECS tasks on containerd.
