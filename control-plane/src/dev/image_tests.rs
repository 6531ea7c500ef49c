//! Rules of the demo image.

use super::{NAME, build, digest, is_static};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

/// A 64-bit ELF file with program headers of these kinds, and nothing else.
fn program(kinds: &[u32]) -> Vec<u8> {
    const HEADER: usize = 64;
    const ENTRY: usize = 56;
    let mut bytes = vec![0; HEADER + ENTRY * kinds.len()];
    bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
    bytes[0x20..0x28].copy_from_slice(&(HEADER as u64).to_le_bytes());
    bytes[0x36..0x38].copy_from_slice(&(ENTRY as u16).to_le_bytes());
    bytes[0x38..0x3a].copy_from_slice(&(kinds.len() as u16).to_le_bytes());
    for (index, kind) in kinds.iter().enumerate() {
        let at = HEADER + index * ENTRY;
        bytes[at..at + 4].copy_from_slice(&kind.to_le_bytes());
    }
    bytes
}

#[test]
fn a_program_is_static_when_it_names_no_interpreter() {
    assert!(is_static(&program(&[1, 1, 2])));
    assert!(!is_static(&program(&[1, 3])), "3 is the interpreter");
    assert!(!is_static(&program(&[])));
    assert!(!is_static(b"#!/bin/sh\n"));
    assert!(!is_static(b""));
    let mut cut = program(&[1, 1]);
    cut.truncate(70);
    assert!(!is_static(&cut));
}

fn files(archive: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut tar = tar::Archive::new(std::fs::File::open(archive).unwrap());
    let mut files = BTreeMap::new();
    for entry in tar.entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        files.insert(entry.path().unwrap().display().to_string(), content);
    }
    files
}

#[test]
fn the_archive_is_a_layout_whose_digests_hold_and_is_the_same_each_time() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    std::fs::write(path("busybox"), program(&[1])).unwrap();
    for name in ["one.tar", "two.tar"] {
        build(&path("busybox"), &path(name)).unwrap();
    }
    assert_eq!(std::fs::read(path("one.tar")).unwrap(), std::fs::read(path("two.tar")).unwrap());
    let files = files(&path("one.tar"));
    for (name, content) in files.iter().filter(|(name, _)| name.starts_with("blobs/")) {
        assert_eq!(*name, format!("blobs/{}", digest(content).replacen(':', "/", 1)));
    }
    let index: Value = serde_json::from_slice(&files["index.json"]).unwrap();
    let target = &index["manifests"][0];
    assert_eq!(target["annotations"]["org.opencontainers.image.ref.name"], NAME);
    let manifest = &files[&format!("blobs/{}", target["digest"].as_str().unwrap().replacen(':', "/", 1))];
    let manifest: Value = serde_json::from_slice(manifest).unwrap();
    for part in [&manifest["config"], &manifest["layers"][0]] {
        let blob = &files[&format!("blobs/{}", part["digest"].as_str().unwrap().replacen(':', "/", 1))];
        assert_eq!(part["size"], blob.len());
    }
}

#[test]
fn a_dynamic_program_is_refused_with_advice() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("busybox");
    std::fs::write(&path, program(&[3])).unwrap();
    let error = build(&path, &directory.path().join("out.tar")).unwrap_err().to_string();
    assert!(error.contains("install busybox-static"), "{error}");
}
