//! The demo image: an OCI layout in a tar, made from the distribution's static busybox.

use anyhow::{Context, Result};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::path::Path;

/// Where Debian's `busybox-static` puts its program.
const BUSYBOX: &str = "/bin/busybox";

/// Commands that the image has as links to busybox.
const COMMANDS: &[&str] = &[
    "sh", "cat", "echo", "env", "httpd", "id", "ip", "mkdir", "sleep", "true", "false", "wget", "nc",
    "hostname", "test",
];

/// Writes an image called `name` to the tar at `path`.
pub fn build_demo(name: &str, path: &Path) -> Result<()> {
    let layer = layer().context("cannot make the layer")?;
    let diff_id = digest(&layer);
    let config = config_document(std::slice::from_ref(&diff_id));
    let manifest = serde_json::to_vec(&json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest(&config), "size": config.len()},
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": diff_id, "size": layer.len()}],
    }))?;
    let index = serde_json::to_vec(&json!({
        "schemaVersion": 2,
        "manifests": [{"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest(&manifest), "size": manifest.len(),
                       "annotations": {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name}}],
    }))?;
    let mut tar = tar::Builder::new(File::create(path)?);
    add(&mut tar, "oci-layout", 0o644, br#"{"imageLayoutVersion":"1.0.0"}"#)?;
    add(&mut tar, "index.json", 0o644, &index)?;
    for blob in [&manifest, &config, &layer] {
        add(&mut tar, &format!("blobs/sha256/{}", &digest(blob)[7..]), 0o644, blob)?;
    }
    Ok(tar.finish()?)
}

/// The layer of every demo image: busybox with its links, two accounts and a page.
pub(crate) fn layer() -> Result<Vec<u8>> {
    let busybox =
        std::fs::read(BUSYBOX).with_context(|| format!("cannot read {BUSYBOX}; install busybox-static"))?;
    let mut tar = tar::Builder::new(Vec::new());
    for dir in ["bin", "etc", "www", "tmp"] {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::Directory);
        header.set_mode(if dir == "tmp" { 0o1777 } else { 0o755 });
        header.set_size(0);
        tar.append_data(&mut header, format!("{dir}/"), std::io::empty())?;
    }
    add(&mut tar, "bin/busybox", 0o755, &busybox)?;
    for command in COMMANDS {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_mode(0o777);
        header.set_size(0);
        tar.append_link(&mut header, format!("bin/{command}"), "busybox")?;
    }
    add(&mut tar, "etc/passwd", 0o644, b"root:x:0:0:root:/:/bin/sh\nweb:x:1000:1000:web:/:/bin/sh\n")?;
    add(&mut tar, "etc/group", 0o644, b"root:x:0:\nweb:x:1000:\n")?;
    add(&mut tar, "www/index.html", 0o644, b"hello from a task\n")?;
    Ok(tar.into_inner()?)
}

fn add<W: std::io::Write>(tar: &mut tar::Builder<W>, path: &str, mode: u32, content: &[u8]) -> Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_mode(mode);
    header.set_size(u64::try_from(content.len())?);
    Ok(tar.append_data(&mut header, path, content)?)
}

/// A layer with one file that says `marker`: no other image has it.
pub(crate) fn marker_layer(marker: &str) -> Result<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::new());
    add(&mut tar, "www/marker", 0o644, marker.as_bytes())?;
    Ok(tar.into_inner()?)
}

/// The configuration of an image with these layers.
pub(crate) fn config_document(diff_ids: &[String]) -> Vec<u8> {
    let config = json!({
        "architecture": if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" },
        "os": "linux",
        "config": {"Env": ["PATH=/bin", "FROM_IMAGE=yes"], "Cmd": ["/bin/httpd", "-f", "-p", "80", "-h", "/www"],
                   "Labels": {"class2": "never-copied"}},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
    });
    serde_json::to_vec(&config).expect("plain data")
}

/// The content's digest as registries write it.
pub(crate) fn digest(content: &[u8]) -> String {
    use std::fmt::Write;
    let mut text = String::from("sha256:");
    for byte in Sha256::digest(content) {
        write!(text, "{byte:02x}").expect("a string takes all");
    }
    text
}
