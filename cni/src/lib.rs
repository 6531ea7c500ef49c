//! Task networks over netlink, as a library and as a CNI plugin.
