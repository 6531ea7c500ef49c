//! The demo image: one layer around a statically linked busybox, as an OCI image layout in a tar file. No registry is needed.

use anyhow::{Context, bail};
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::io::Write;
use std::path::Path;
use tar::{Builder, EntryType, Header};

#[cfg(test)]
#[path = "image_tests.rs"]
mod tests;

/// The image's name.
pub const NAME: &str = "wharf/demo:latest";

/// Commands of busybox that the image has under their own names.
const COMMANDS: [&str; 16] = [
    "cat", "date", "echo", "env", "hostname", "httpd", "id", "ip", "kill", "ls", "mkdir", "nslookup", "ping",
    "sh", "sleep", "wget",
];

const INDEX_HTML: &str = "Hello from a task that Wharf runs.\n";

/// Writes the image to `archive`.
pub fn build(busybox: &Path, archive: &Path) -> anyhow::Result<()> {
    let program = std::fs::read(busybox).with_context(|| format!("cannot read {}", busybox.display()))?;
    if !is_static(&program) {
        bail!(
            "{} is not a statically linked program: install busybox-static or name another with --busybox",
            busybox.display()
        );
    }
    let layer = layer(&program).context("cannot make the layer of the demo image")?;
    let file =
        std::fs::File::create(archive).with_context(|| format!("cannot write {}", archive.display()))?;
    layout(&layer, file).with_context(|| format!("cannot write {}", archive.display()))
}

/// Whether it is a 64-bit ELF program without an interpreter, which is what a dynamic linker would be.
fn is_static(program: &[u8]) -> bool {
    let number = |offset: usize, size: usize| {
        let bytes = program.get(offset..offset.checked_add(size)?)?;
        Some(bytes.iter().rev().fold(0usize, |number, byte| number << 8 | usize::from(*byte)))
    };
    let headers = || Some((number(0x20, 8)?, number(0x36, 2)?, number(0x38, 2)?));
    let Some((start, size, count)) = headers().filter(|_| program.starts_with(b"\x7fELF\x02\x01")) else {
        return false;
    };
    const INTERPRETER: usize = 3;
    let kind = |index: usize| number(start.checked_add(index * size)?, 4);
    count > 0 && (0..count).all(|index| kind(index).is_some_and(|kind| kind != INTERPRETER))
}

fn layer(program: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut tar = Builder::new(Vec::new());
    for directory in ["bin", "etc", "tmp", "www"] {
        add(
            &mut tar,
            &format!("{directory}/"),
            EntryType::Directory,
            if directory == "tmp" { 0o1777 } else { 0o755 },
            b"",
        )?;
    }
    add(&mut tar, "bin/busybox", EntryType::Regular, 0o755, program)?;
    for command in COMMANDS {
        let mut header = header(EntryType::Symlink, 0o777, 0);
        tar.append_link(&mut header, format!("bin/{command}"), "busybox")?;
    }
    add(
        &mut tar,
        "etc/passwd",
        EntryType::Regular,
        0o644,
        b"root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n",
    )?;
    add(&mut tar, "etc/group", EntryType::Regular, 0o644, b"root:x:0:\nnogroup:x:65534:\n")?;
    add(&mut tar, "www/index.html", EntryType::Regular, 0o644, INDEX_HTML.as_bytes())?;
    tar.into_inner()
}

fn header(kind: EntryType, mode: u32, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(0); // the same input makes the same image
    header
}

fn add<W: Write>(
    tar: &mut Builder<W>,
    path: &str,
    kind: EntryType,
    mode: u32,
    content: &[u8],
) -> std::io::Result<()> {
    let mut header = header(kind, mode, content.len() as u64);
    tar.append_data(&mut header, path, content)
}

/// Writes layer, configuration, manifest and index under the names the layout gives them.
fn layout(layer: &[u8], file: std::fs::File) -> std::io::Result<()> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(layer)?;
    let packed = packed.finish()?;
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    let config = json!({
        "architecture": architecture,
        "os": "linux",
        "config": { "Env": ["PATH=/bin"], "Cmd": ["sh"], "WorkingDir": "/" },
        "rootfs": { "type": "layers", "diff_ids": [digest(layer)] },
    });
    let config = config.to_string();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": descriptor("application/vnd.oci.image.config.v1+json", config.as_bytes()),
        "layers": [descriptor("application/vnd.oci.image.layer.v1.tar+gzip", &packed)],
    });
    let manifest = manifest.to_string();
    let mut target = descriptor("application/vnd.oci.image.manifest.v1+json", manifest.as_bytes());
    target["annotations"] = json!({
        "io.containerd.image.name": format!("docker.io/{NAME}"),
        "org.opencontainers.image.ref.name": NAME,
    });
    let index = json!({ "schemaVersion": 2, "manifests": [target] }).to_string();
    let mut tar = Builder::new(file);
    add(&mut tar, "oci-layout", EntryType::Regular, 0o644, br#"{"imageLayoutVersion":"1.0.0"}"#)?;
    for blob in [&packed[..], config.as_bytes(), manifest.as_bytes()] {
        let path = format!("blobs/{}", digest(blob).replacen(':', "/", 1));
        add(&mut tar, &path, EntryType::Regular, 0o644, blob)?;
    }
    add(&mut tar, "index.json", EntryType::Regular, 0o644, index.as_bytes())?;
    tar.finish()
}

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

fn descriptor(kind: &str, bytes: &[u8]) -> Value {
    json!({ "mediaType": kind, "digest": digest(bytes), "size": bytes.len() })
}
