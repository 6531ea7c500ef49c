//! Images from files.

use crate::demo_image::busybox;
use crate::lab::{DEMO, Lab};
use serde_json::json;
use wharf_runtime::{LoadError, PullError, PullPolicy};

#[tokio::test]
async fn an_oci_layout_is_loaded_named_unpacked_and_described() {
    let lab = Lab::start().await;
    let image = busybox(
        json!({ "User": "app", "WorkingDir": "/tmp", "StopSignal": "SIGQUIT", "Entrypoint": ["/bin/echo"] }),
    );
    lab.load(&image, DEMO).await;
    let found = lab.containerd.ensure_image("localhost/demo", None, PullPolicy::Never, &[]).await.unwrap();
    assert_eq!(found.name, DEMO);
    assert_eq!(found.digest.as_deref(), Some(image.manifest.digest.as_str()));
    assert_eq!(found.config_digest, image.config.digest);
    assert_eq!(found.config.entrypoint, ["/bin/echo"]);
    assert_eq!(found.config.stop_signal.as_deref(), Some("SIGQUIT"));
    assert_eq!((found.config.user.as_str(), found.config.working_dir.as_str()), ("app", "/tmp"));
    assert_eq!(found.pull_started_at_ms, None);
    let listed = lab.containerd.images().await.unwrap();
    assert_eq!((listed.len(), listed[0].name.as_str()), (1, DEMO));
    lab.finish().await;
}

#[tokio::test]
async fn what_was_loaded_survives_collection_and_loading_again() {
    let lab = Lab::with_demo().await;
    lab.load(&busybox(json!({ "Cmd": ["/bin/true"] })), "localhost/other:v1").await;
    // Removing one image collects at once whatever nothing refers to.
    lab.containerd.remove_image("localhost/other:v1").await.unwrap();
    lab.containerd.remove_image("localhost/other:v1").await.unwrap();
    let (exit, output) = lab.run(&lab.container("c", "echo still here")).await;
    assert_eq!((exit.code, output.as_str()), (0, "still here\n"));
    lab.load(&busybox(json!({})), DEMO).await;
    let gone = lab.containerd.ensure_image("localhost/other:v1", None, PullPolicy::Never, &[]).await;
    assert!(matches!(gone, Err(PullError::NotInStore { .. })), "{gone:?}");
    lab.finish().await;
}

#[tokio::test]
async fn a_docker_archive_is_loaded_too() {
    let lab = Lab::start().await;
    let (oci, docker) = (lab.path().join("oci.tar"), lab.path().join("docker.tar"));
    busybox(json!({})).write_oci_tar(&oci, DEMO);
    let copied = std::process::Command::new("skopeo")
        .args(["copy", "--quiet"])
        .arg(format!("oci-archive:{}", oci.display()))
        .arg(format!("docker-archive:{}:localhost/demo:latest", docker.display()))
        .status()
        .unwrap();
    assert!(copied.success());
    assert_eq!(lab.containerd.load(&docker).await.unwrap(), [DEMO]);
    let (exit, output) = lab.run(&lab.container("c", "echo from docker")).await;
    assert_eq!((exit.code, output.as_str()), (0, "from docker\n"));
    lab.finish().await;
}

#[tokio::test]
async fn a_file_that_holds_no_image_is_refused_by_name() {
    let lab = Lab::start().await;
    let path = lab.path().join("no.tar");
    let missing = lab.containerd.load(&path).await.unwrap_err();
    assert!(matches!(missing, LoadError::Read { .. }));
    tar::Builder::new(std::fs::File::create(&path).unwrap()).finish().unwrap();
    let empty = lab.containerd.load(&path).await.unwrap_err();
    assert!(empty.to_string().contains("neither an OCI image layout nor a docker archive"), "{empty}");
    lab.finish().await;
}

#[tokio::test]
async fn a_layer_that_is_not_what_the_image_promises_is_not_run() {
    let lab = Lab::start().await;
    let mut image = busybox(json!({}));
    // Another layer's content under a manifest that is right about digests but wrong about what they unpack to.
    let other = crate::demo_image::layer(&[crate::demo_image::Member::Directory("evil")]);
    image.layers[1] =
        crate::demo_image::Blob::new(crate::demo_image::GZIP_LAYER, crate::demo_image::gzip(&other));
    let manifest = json!({ "schemaVersion": 2, "config": image.config.descriptor(),
        "layers": image.layers.iter().map(crate::demo_image::Blob::descriptor).collect::<Vec<_>>() });
    image.manifest = crate::demo_image::Blob::new(
        "application/vnd.oci.image.manifest.v1+json",
        serde_json::to_vec(&manifest).unwrap(),
    );
    let tar = lab.path().join("evil.tar");
    image.write_oci_tar(&tar, DEMO);
    let error = lab.containerd.load(&tar).await.unwrap_err();
    let LoadError::Store { source, .. } = error else { panic!("{error}") };
    assert!(source.to_string().contains("unpacks to"), "{source}");
    assert!(lab.containerd.images().await.unwrap().is_empty());
    // A load that failed leaves nothing that its end does not let containerd collect.
    lab.load(&busybox(json!({})), DEMO).await;
    lab.finish().await;
}
