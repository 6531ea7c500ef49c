//! The documents of an image: index, manifest and configuration, as far as running it needs them.

use super::ImageConfig;
use containerd_client::types::Descriptor as ProtoDescriptor;
use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Largest index, manifest or configuration that is read into memory.
pub(crate) const MAX_DOCUMENT: u64 = 8 << 20;

pub(crate) const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
pub(crate) const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
pub(crate) const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
pub(crate) const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

const LAYERS: [&str; 7] = [
    OCI_LAYER,
    "application/vnd.oci.image.layer.v1.tar+gzip",
    "application/vnd.oci.image.layer.v1.tar+zstd",
    "application/vnd.oci.image.layer.nondistributable.v1.tar",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    "application/vnd.docker.image.rootfs.diff.tar",
    "application/vnd.docker.image.rootfs.diff.tar.gzip",
];

/// A pointer to content: what it is, its hash and its length.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Descriptor {
    #[serde(default)]
    pub(crate) media_type: String,
    pub(crate) digest: String,
    pub(crate) size: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) platform: Option<Platform>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "null_is_empty")]
    pub(crate) annotations: BTreeMap<String, String>,
}

impl Descriptor {
    pub(crate) fn of(media_type: &str, bytes: &[u8]) -> Self {
        Self {
            media_type: media_type.to_owned(),
            digest: sha256(bytes),
            size: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
            platform: None,
            annotations: BTreeMap::new(),
        }
    }

    pub(crate) fn is_index(&self) -> bool {
        matches!(self.media_type.as_str(), OCI_INDEX | DOCKER_LIST)
    }

    pub(crate) fn is_layer(&self) -> bool {
        LAYERS.contains(&self.media_type.as_str())
    }

    pub(crate) fn to_proto(&self) -> ProtoDescriptor {
        ProtoDescriptor {
            media_type: self.media_type.clone(),
            digest: self.digest.clone(),
            size: self.size,
            ..ProtoDescriptor::default()
        }
    }

    pub(crate) fn from_proto(proto: ProtoDescriptor) -> Self {
        Self {
            media_type: proto.media_type,
            digest: proto.digest,
            size: proto.size,
            platform: None,
            annotations: BTreeMap::new(),
        }
    }
}

/// The machine that a manifest is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Platform {
    pub(crate) architecture: String,
    pub(crate) os: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) variant: Option<String>,
}

impl Platform {
    fn is_ours(&self) -> bool {
        self.os == "linux"
            && self.architecture == host_architecture()
            && matches!(self.variant.as_deref(), None | Some("" | "v8"))
    }
}

/// Manifests of one image for several machines.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Index {
    pub(crate) schema_version: u32,
    #[serde(default, deserialize_with = "null_is_empty")]
    pub(crate) manifests: Vec<Descriptor>,
}

impl Index {
    /// Returns the manifest for this machine; a lone one that names no platform will do.
    pub(crate) fn ours(&self) -> Option<&Descriptor> {
        let for_us = |entry: &&Descriptor| entry.platform.as_ref().is_some_and(Platform::is_ours);
        let unnamed = |entry: &&Descriptor| self.manifests.len() == 1 && entry.platform.is_none();
        self.manifests.iter().find(for_us).or_else(|| self.manifests.iter().find(unnamed))
    }
}

/// One image for one machine: a configuration and its layers, lowest first.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Manifest {
    pub(crate) schema_version: u32,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) media_type: String,
    pub(crate) config: Descriptor,
    #[serde(default, deserialize_with = "null_is_empty")]
    pub(crate) layers: Vec<Descriptor>,
}

/// The configuration document.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct ConfigDocument {
    #[serde(default)]
    pub(crate) architecture: String,
    #[serde(default)]
    pub(crate) os: String,
    #[serde(default, deserialize_with = "null_is_empty")]
    config: ProcessDefaults,
    #[serde(default)]
    pub(crate) rootfs: RootFs,
}

impl ConfigDocument {
    /// False for an image that says it is for another machine.
    pub(crate) fn is_ours(&self) -> bool {
        let ours = |said: &str, want: &str| said.is_empty() || said == want;
        ours(&self.os, "linux") && ours(&self.architecture, host_architecture())
    }

    pub(crate) fn process_defaults(&self) -> ImageConfig {
        let config = self.config.clone();
        ImageConfig {
            env: config.env,
            entrypoint: config.entrypoint,
            cmd: config.cmd,
            user: config.user,
            working_dir: config.working_dir,
            stop_signal: Some(config.stop_signal).filter(|signal| !signal.is_empty()),
        }
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ProcessDefaults {
    #[serde(default, deserialize_with = "null_is_empty")]
    env: Vec<String>,
    #[serde(default, deserialize_with = "null_is_empty")]
    entrypoint: Vec<String>,
    #[serde(default, deserialize_with = "null_is_empty")]
    cmd: Vec<String>,
    #[serde(default, deserialize_with = "null_is_empty")]
    user: String,
    #[serde(default, deserialize_with = "null_is_empty")]
    working_dir: String,
    #[serde(default, deserialize_with = "null_is_empty")]
    stop_signal: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct RootFs {
    /// Hashes of the uncompressed layers, lowest first.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub(crate) diff_ids: Vec<String>,
}

impl RootFs {
    /// Names of the unpacked layers: each is the hash of the one below and its own content.
    pub(crate) fn chain_ids(&self) -> Vec<String> {
        let mut chain: Vec<String> = Vec::with_capacity(self.diff_ids.len());
        for diff_id in &self.diff_ids {
            let next = match chain.last() {
                None => diff_id.clone(),
                Some(below) => sha256(format!("{below} {diff_id}").as_bytes()),
            };
            chain.push(next);
        }
        chain
    }
}

/// Returns `sha256:` and the hash in hex.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

/// Returns this machine's architecture by its OCI name.
pub(crate) fn host_architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// Go writes an absent list or map as `null`.
fn null_is_empty<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Reads bytes as each document of an image and asks it what running the image asks. For tests that feed it what a registry should
/// not send; says how many documents they could be.
#[doc(hidden)]
pub fn try_documents(bytes: &[u8]) -> usize {
    let index = serde_json::from_slice::<Index>(bytes).map(|index| index.ours().map(Descriptor::is_index));
    let manifest = serde_json::from_slice::<Manifest>(bytes)
        .map(|manifest| manifest.layers.iter().chain([&manifest.config]).all(Descriptor::is_layer));
    let config = serde_json::from_slice::<ConfigDocument>(bytes)
        .map(|config| (config.is_ours(), config.process_defaults(), config.rootfs.chain_ids()));
    usize::from(index.is_ok()) + usize::from(manifest.is_ok()) + usize::from(config.is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chain_id_of_one_layer_is_its_diff_id_and_of_more_is_hashed_with_the_one_below() {
        let rootfs = RootFs { diff_ids: vec!["sha256:aa".into(), "sha256:bb".into()] };
        assert_eq!(rootfs.chain_ids(), ["sha256:aa".to_owned(), sha256(b"sha256:aa sha256:bb")]);
    }

    #[test]
    fn null_in_a_configuration_is_nothing() {
        let text = r#"{"architecture":"","config":{"Env":null,"Cmd":["/a"],"Entrypoint":null},"rootfs":{"diff_ids":null}}"#;
        let config: ConfigDocument = serde_json::from_str(text).unwrap();
        assert_eq!(config.process_defaults().cmd, ["/a"]);
        assert!(config.is_ours());
        let none: ConfigDocument = serde_json::from_str(r#"{"config":null}"#).unwrap();
        assert_eq!(none.process_defaults(), ImageConfig::default());
    }

    #[test]
    fn index_yields_the_manifest_of_this_machine_only() {
        let entry = |digest: &str, architecture: &str, os: &str| Descriptor {
            platform: Some(Platform { architecture: architecture.into(), os: os.into(), variant: None }),
            digest: digest.into(),
            ..Descriptor::of(OCI_MANIFEST, b"")
        };
        let windows = entry("w", host_architecture(), "windows");
        let other = entry("o", "s390x", "linux");
        let ours = entry("x", host_architecture(), "linux");
        let attestation = entry("a", "unknown", "unknown");
        let index = |manifests| Index { schema_version: 2, manifests };
        assert_eq!(
            index(vec![windows.clone(), other.clone(), attestation, ours.clone()]).ours(),
            Some(&ours)
        );
        assert_eq!(index(vec![windows, other]).ours(), None);
    }
}
