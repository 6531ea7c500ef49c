//! Images made by the tests themselves, from the busybox of the machine.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::path::Path;

/// One blob: its media type, digest and bytes.
pub struct Blob {
    pub media_type: &'static str,
    pub digest: String,
    pub bytes: Vec<u8>,
}

impl Blob {
    pub fn new(media_type: &'static str, bytes: Vec<u8>) -> Self {
        Self { media_type, digest: digest(&bytes), bytes }
    }

    pub fn descriptor(&self) -> Value {
        json!({ "mediaType": self.media_type, "digest": self.digest, "size": self.bytes.len() })
    }
}

/// An image in memory.
pub struct DemoImage {
    pub layers: Vec<Blob>,
    pub config: Blob,
    pub manifest: Blob,
}

/// A file of a layer.
pub enum Member<'a> {
    File(&'a str, &'a [u8], u32),
    Directory(&'a str),
    Link(&'a str, &'a str),
}

pub const GZIP_LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// An image of busybox with users, and `config` (its `config` object) laid over the defaults.
pub fn busybox(config: Value) -> DemoImage {
    let binary = std::fs::read("/bin/busybox").expect("busybox-static is installed");
    let applets = [
        "sh", "sleep", "cat", "echo", "id", "env", "true", "false", "kill", "ls", "head", "stat", "touch",
        "dd",
    ];
    let mut members = vec![Member::Directory("bin"), Member::File("bin/busybox", &binary, 0o755)];
    let paths: Vec<String> = applets.iter().map(|applet| format!("bin/{applet}")).collect();
    members.extend(paths.iter().map(|path| Member::Link(path, "busybox")));
    let base = layer(&members);
    let users = layer(&[
        Member::Directory("etc"),
        Member::File("etc/passwd", b"root:x:0:0:root:/:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\n", 0o644),
        Member::File("etc/group", b"root:x:0:\nextra:x:33:app,root\napp:x:1001:\n", 0o644),
        Member::Directory("tmp"),
    ]);
    image(vec![base, users], config)
}

/// An image of the given tar layers.
pub fn image(tars: Vec<Vec<u8>>, config: Value) -> DemoImage {
    let mut defaults = json!({ "Env": ["PATH=/bin", "FROM_IMAGE=yes"], "Cmd": ["/bin/sh"], "Labels": { "com.amazonaws.ecs.task-arn": "forged" } });
    for (key, value) in config.as_object().expect("a config is an object") {
        defaults[key] = value.clone();
    }
    let diff_ids: Vec<String> = tars.iter().map(|tar| digest(tar)).collect();
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    let document = json!({ "architecture": architecture, "os": "linux", "config": defaults, "rootfs": { "type": "layers", "diff_ids": diff_ids } });
    let config =
        Blob::new("application/vnd.oci.image.config.v1+json", serde_json::to_vec(&document).unwrap());
    let layers: Vec<Blob> = tars.into_iter().map(|tar| Blob::new(GZIP_LAYER, gzip(&tar))).collect();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": config.descriptor(),
        "layers": layers.iter().map(Blob::descriptor).collect::<Vec<_>>(),
    });
    let manifest =
        Blob::new("application/vnd.oci.image.manifest.v1+json", serde_json::to_vec(&manifest).unwrap());
    DemoImage { layers, config, manifest }
}

impl DemoImage {
    pub fn blobs(&self) -> impl Iterator<Item = &Blob> {
        self.layers.iter().chain([&self.config, &self.manifest])
    }

    /// Writes an OCI image layout as a tar file.
    pub fn write_oci_tar(&self, path: &Path, name: &str) {
        let mut entry = self.manifest.descriptor();
        entry["annotations"] = json!({ "io.containerd.image.name": name });
        let index = json!({ "schemaVersion": 2, "manifests": [entry] });
        let mut tar = tar::Builder::new(std::fs::File::create(path).unwrap());
        append(&mut tar, "oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#);
        append(&mut tar, "index.json", &serde_json::to_vec(&index).unwrap());
        for blob in self.blobs() {
            append(&mut tar, &format!("blobs/{}", blob.digest.replace(':', "/")), &blob.bytes);
        }
        tar.into_inner().unwrap();
    }
}

/// Makes a tar of files, reproducibly.
pub fn layer(members: &[Member]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for member in members {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o755);
        match member {
            Member::File(path, bytes, mode) => {
                header.set_mode(*mode);
                header.set_size(bytes.len() as u64);
                tar.append_data(&mut header, path, *bytes).unwrap();
            }
            Member::Directory(path) => {
                header.set_entry_type(tar::EntryType::Directory);
                header.set_size(0);
                tar.append_data(&mut header, path, std::io::empty()).unwrap();
            }
            Member::Link(path, target) => {
                header.set_entry_type(tar::EntryType::Symlink);
                header.set_size(0);
                tar.append_link(&mut header, path, target).unwrap();
            }
        }
    }
    tar.into_inner().unwrap()
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

fn append(tar: &mut tar::Builder<std::fs::File>, name: &str, bytes: &[u8]) {
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o644);
    header.set_size(bytes.len() as u64);
    tar.append_data(&mut header, name, bytes).unwrap();
}
