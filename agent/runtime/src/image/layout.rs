//! A tar file of images: where each member lies, and which images it promises (OCI image layout or `docker save`).

use super::error::LoadError;
use super::manifest::{Descriptor, Index, Manifest, OCI_CONFIG, OCI_LAYER, OCI_MANIFEST};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Longest member that is read into memory.
const MAX_MEMBER: u64 = super::manifest::MAX_DOCUMENT;

/// Where a member's bytes lie in the tar file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) offset: u64,
    pub(crate) size: u64,
}

/// An opened tar file of images.
#[derive(Debug)]
pub(crate) struct Archive {
    pub(crate) path: PathBuf,
    members: HashMap<String, Span>,
}

/// An image that the archive promises.
#[derive(Debug)]
pub(crate) struct Promised {
    pub(crate) names: Vec<String>,
    pub(crate) target: Descriptor,
    /// Documents that are not in the archive but follow from it.
    pub(crate) made: HashMap<String, Vec<u8>>,
    /// Content by digest, for archives that do not name members so.
    pub(crate) spans: HashMap<String, Span>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DockerImage {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    layers: Vec<String>,
}

impl Archive {
    /// Reads the table of members. Blocks on the disk.
    pub(crate) fn open(path: &Path) -> Result<Self, LoadError> {
        let read = |source| LoadError::Read { path: path.to_owned(), source };
        let mut tar = tar::Archive::new(File::open(path).map_err(read)?);
        let mut members = HashMap::new();
        for entry in tar.entries_with_seek().map_err(read)? {
            let entry = entry.map_err(read)?;
            let name = entry.path().map_err(read)?;
            let name = name.strip_prefix("./").unwrap_or(&name).to_string_lossy().into_owned();
            if entry.header().entry_type().is_file() {
                members.insert(name, Span { offset: entry.raw_file_position(), size: entry.size() });
            }
        }
        Ok(Self { path: path.to_owned(), members })
    }

    /// Returns the images of the archive. Blocks on the disk.
    pub(crate) fn images(&self) -> Result<Vec<Promised>, LoadError> {
        if self.members.contains_key("index.json") {
            let index: Index = self.json("index.json")?;
            return index.manifests.into_iter().map(|target| self.oci_image(target)).collect();
        }
        let images: Vec<DockerImage> = self.json("manifest.json")?;
        images.into_iter().map(|image| self.docker_image(image)).collect()
    }

    /// Returns where a blob of an OCI layout lies.
    pub(crate) fn blob(&self, digest: &str) -> Option<Span> {
        self.members.get(&format!("blobs/{}", digest.replacen(':', "/", 1))).copied()
    }

    /// Reads a document. Blocks on the disk.
    pub(crate) fn bytes(&self, span: Span) -> Result<Vec<u8>, LoadError> {
        let read = || {
            let mut file = File::open(&self.path)?;
            file.seek(SeekFrom::Start(span.offset))?;
            let mut bytes = Vec::new();
            file.take(span.size.min(MAX_MEMBER)).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        read().map_err(|source| LoadError::Read { path: self.path.clone(), source })
    }

    pub(crate) fn missing(&self, what: &str) -> LoadError {
        LoadError::NotAnArchive { path: self.path.clone(), missing: what.to_owned() }
    }

    fn json<T: for<'de> Deserialize<'de>>(&self, name: &str) -> Result<T, LoadError> {
        let span = self.members.get(name).ok_or_else(|| self.missing(name))?;
        serde_json::from_slice(&self.bytes(*span)?)
            .map_err(|_| self.missing(&format!("a well-formed {name}")))
    }

    fn oci_image(&self, target: Descriptor) -> Result<Promised, LoadError> {
        const CONTAINERD: &str = "io.containerd.image.name";
        const OCI: &str = "org.opencontainers.image.ref.name";
        let full = |name: &&String| name.contains(['/', ':']);
        let name = target.annotations.get(CONTAINERD).or_else(|| target.annotations.get(OCI).filter(full));
        let name = name.cloned().ok_or_else(|| LoadError::Unnamed { path: self.path.clone() })?;
        Ok(Promised { names: vec![name], target, made: HashMap::new(), spans: HashMap::new() })
    }

    /// `docker save` has no manifest: makes the one that its configuration and layers amount to.
    fn docker_image(&self, image: DockerImage) -> Result<Promised, LoadError> {
        let mut spans = HashMap::new();
        let mut descriptor = |member: &str, media_type: &str| {
            let span = *self.members.get(member).ok_or_else(|| self.missing(member))?;
            let digest = self.hash(span)?;
            spans.insert(digest.clone(), span);
            let size = i64::try_from(span.size).unwrap_or(i64::MAX);
            Ok(Descriptor { digest, size, ..Descriptor::of(media_type, b"") })
        };
        let config = descriptor(&image.config, OCI_CONFIG)?;
        let layers: Result<_, LoadError> =
            image.layers.iter().map(|layer| descriptor(layer, OCI_LAYER)).collect();
        let manifest =
            Manifest { schema_version: 2, media_type: OCI_MANIFEST.to_owned(), config, layers: layers? };
        let bytes = serde_json::to_vec(&manifest).expect("a manifest is plain data");
        let target = Descriptor::of(OCI_MANIFEST, &bytes);
        let names = image.repo_tags.unwrap_or_default();
        if names.is_empty() {
            return Err(LoadError::Unnamed { path: self.path.clone() });
        }
        Ok(Promised { names, made: HashMap::from([(target.digest.clone(), bytes)]), target, spans })
    }

    fn hash(&self, span: Span) -> Result<String, LoadError> {
        let read = || {
            let mut file = File::open(&self.path)?;
            file.seek(SeekFrom::Start(span.offset))?;
            let mut hasher = Sha256::new();
            std::io::copy(&mut file.take(span.size), &mut hasher)?;
            Ok(format!("sha256:{}", hex::encode(hasher.finalize())))
        };
        read().map_err(|source| LoadError::Read { path: self.path.clone(), source })
    }
}

/// Reads a file as an archive of images and asks it what loading asks first; says how many images it promises. For tests that feed it
/// what nobody should load.
#[doc(hidden)]
pub fn try_archive(path: &Path) -> Result<usize, LoadError> {
    let archive = Archive::open(path)?;
    let images = archive.images()?;
    let targets = images.iter().filter_map(|image| archive.blob(&image.target.digest));
    targets.map(|span| archive.bytes(span)).collect::<Result<Vec<_>, _>>()?;
    Ok(images.len())
}
