//! The three files that make a network usable: resolv.conf, hosts, hostname. Source: features 6.2.

use std::fmt::Write;
use std::io;
use std::path::Path;
use wharf_core::spec::Interface;

/// Names of the files, as they are mounted below `/etc`.
pub const FILES: [&str; 3] = ["resolv.conf", "hosts", "hostname"];

/// Writes the files of a task's interface into `dir`.
///
/// # Errors
/// What the file system refused.
pub fn write(dir: &Path, interface: &Interface) -> io::Result<()> {
    std::fs::create_dir_all(dir)?;
    std::fs::write(dir.join("resolv.conf"), resolv_conf(interface))?;
    std::fs::write(dir.join("hosts"), hosts(interface))?;
    std::fs::write(dir.join("hostname"), format!("{}\n", hostname(interface)))
}

/// Writes a hosts file with lines of a container's own.
///
/// # Errors
/// What the file system refused.
pub fn write_hosts(path: &Path, interface: &Interface, extra: &[(String, String)]) -> io::Result<()> {
    let mut text = hosts(interface);
    for (name, address) in extra {
        writeln!(text, "{address} {name}").expect("a string takes all");
    }
    std::fs::write(path, text)
}

/// The task's host name: the first label of its private DNS name, or one made of its address.
pub fn hostname(interface: &Interface) -> String {
    let name = interface
        .private_dns_name
        .as_deref()
        .and_then(|name| name.split('.').next())
        .filter(|n| !n.is_empty());
    let of_address =
        || interface.addresses.first().map(|ip| format!("ip-{}", ip.to_string().replace(['.', ':'], "-")));
    name.map(str::to_owned).or_else(of_address).unwrap_or_else(|| "localhost".to_owned())
}

fn resolv_conf(interface: &Interface) -> String {
    let mut text = String::new();
    for server in &interface.dns_servers {
        writeln!(text, "nameserver {server}").expect("a string takes all");
    }
    if !interface.dns_search.is_empty() {
        writeln!(text, "search {}", interface.dns_search.join(" ")).expect("a string takes all");
    }
    text
}

fn hosts(interface: &Interface) -> String {
    let mut text = String::from("127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n");
    let short = hostname(interface);
    let names = match &interface.private_dns_name {
        Some(full) if *full != short => format!("{full} {short}"),
        _ => short,
    };
    for address in &interface.addresses {
        writeln!(text, "{address} {names}").expect("a string takes all");
    }
    text
}
