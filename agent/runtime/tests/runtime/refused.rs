//! Images that are not to reach containerd, and what is said when containerd ends under one.

use crate::demo_image::{DemoImage, Member, busybox, image, layer};
use crate::lab::{Lab, until};
use crate::registry::{DockerRegistry, Mood, OwnRegistry};
use serde_json::json;
use std::time::Duration;
use wharf_runtime::{PullError, PullPolicy, PullSettings};

fn variant(number: u32) -> DemoImage {
    busybox(json!({ "Cmd": [format!("/bin/{number}")] }))
}

/// Digest that the image has, or that was refused.
async fn had(lab: &Lab, name: &str, policy: PullPolicy, refused: &[&DemoImage]) -> Result<String, String> {
    let refused: Vec<String> = refused.iter().map(|image| image.manifest.digest.clone()).collect();
    match lab.containerd.ensure_image(name, None, policy, &refused).await {
        Ok(image) => Ok(image.digest.unwrap()),
        Err(PullError::Refused { digest, .. }) => Err(digest),
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn nothing_of_a_refused_image_reaches_containerd_and_what_its_tag_says_later_is_used() {
    let (lab, registry) = (Lab::start().await, DockerRegistry::start(false).await);
    let (bad, good) = (variant(1), variant(2));
    let (is_bad, is_good) = (Err(bad.manifest.digest.clone()), Ok(good.manifest.digest.clone()));
    let name = registry.push(&bad, "demo:v1");
    for policy in [PullPolicy::Always, PullPolicy::Default, PullPolicy::IfMissing] {
        assert_eq!(had(&lab, &name, policy, &[&bad]).await, is_bad, "{policy:?}");
    }
    assert_eq!(lab.ctr(&["content", "ls", "-q"]), [""; 0]);
    registry.push(&good, "demo:v1");
    assert_eq!(had(&lab, &name, PullPolicy::IfMissing, &[&bad]).await, is_good);
    lab.finish().await;
}

#[tokio::test]
async fn a_refused_image_of_the_store_is_as_good_as_none() {
    let (lab, registry) = (Lab::start().await, DockerRegistry::start(false).await);
    let (bad, good) = (variant(1), variant(2));
    let is_bad = Err(bad.manifest.digest.clone());
    let name = registry.push(&bad, "demo:v1");
    had(&lab, &name, PullPolicy::Always, &[]).await.unwrap();
    for policy in [PullPolicy::Always, PullPolicy::Default, PullPolicy::IfMissing, PullPolicy::Never] {
        assert_eq!(had(&lab, &name, policy, &[&bad]).await, is_bad, "{policy:?}");
    }
    registry.push(&good, "demo:v1");
    for policy in [PullPolicy::IfMissing, PullPolicy::Never] {
        assert_eq!(had(&lab, &name, policy, &[&bad]).await, Ok(good.manifest.digest.clone()), "{policy:?}");
    }
    drop(registry);
    let refused = had(&lab, &name, PullPolicy::IfMissing, &[&good]).await;
    assert_eq!(refused, Err(good.manifest.digest), "that its registry is gone is not the cause");
    lab.finish().await;
}

#[tokio::test]
async fn by_default_the_image_of_the_store_stands_in_for_a_refused_one() {
    let (lab, registry) = (Lab::start().await, DockerRegistry::start(false).await);
    let (good, bad) = (variant(1), variant(2));
    let name = registry.push(&good, "demo:v1");
    had(&lab, &name, PullPolicy::Always, &[]).await.unwrap();
    registry.push(&bad, "demo:v1");
    assert_eq!(had(&lab, &name, PullPolicy::Default, &[&bad]).await, Ok(good.manifest.digest));
    lab.finish().await;
}

#[tokio::test]
async fn a_containerd_that_ends_under_a_pull_is_told_with_the_digest() {
    let inactivity = Duration::from_millis(300);
    let pull = PullSettings { inactivity, attempts: 2, ..PullSettings::default() };
    let mut lab = Lab::with_pull(pull).await;
    let image = image(vec![layer(&[Member::File("new", b"here", 0o644)])], json!({}));
    let registry = OwnRegistry::start(&image, Mood::Stalls).await;
    let (containerd, name) = (lab.containerd.clone(), registry.name());
    // Something to fall back on does not hide it.
    lab.load(&variant(1), &name).await;
    let (pulled, ()) = tokio::join!(containerd.ensure_image(&name, None, PullPolicy::Default, &[]), async {
        until("a layer is asked for", async || !registry.layers_asked().is_empty()).await;
        lab.kill_daemon();
        let given_up = |wait: &wharf_wait::Open| wait.name == "before a lease is given back again";
        until("the pull has failed", async || wharf_wait::open().iter().any(given_up)).await;
        lab.restart_daemon().await;
    });
    let Err(PullError::Away { digest, source, .. }) = pulled else { panic!("{pulled:?}") };
    assert_eq!(digest, Some(image.manifest.digest));
    assert!(source.has_ended(), "{source:?}");
    lab.finish().await;
}
