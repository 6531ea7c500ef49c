//! Images from registries.

use crate::demo_image::{Blob, Member, busybox, image, layer};
use crate::lab::{Lab, until};
use crate::registry::{DockerRegistry, Mood, OwnRegistry, USER};
use serde_json::json;
use std::time::{Duration, Instant};
use wharf_runtime::image::StoreError;
use wharf_runtime::{PullError, PullPolicy, PullSettings, RegistryAuth, Retry};

fn password(password: &str) -> RegistryAuth {
    RegistryAuth::Basic { username: USER.to_owned(), password: password.to_owned() }
}

/// A layer large enough to arrive in many pieces.
fn large() -> Vec<u8> {
    let mut state = 1_u32;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    })
    .take(3 << 20)
    .collect();
    layer(&[Member::File("noise", &noise, 0o644)])
}

#[tokio::test]
async fn an_image_is_pulled_by_tag_and_by_digest_and_runs() {
    let (lab, registry) = (Lab::start().await, DockerRegistry::start(false).await);
    let image = busybox(json!({}));
    let name = registry.push(&image, "team/demo:v1");
    let pulled = lab.containerd.ensure_image(&name, None, PullPolicy::IfMissing, &[]).await.unwrap();
    assert_eq!(pulled.name, name);
    assert_eq!(pulled.digest.as_deref(), Some(image.manifest.digest.as_str()));
    assert!(pulled.pull_started_at_ms.unwrap() <= pulled.pull_stopped_at_ms.unwrap());
    let mut request = lab.container("c", "echo pulled");
    request.image = pulled.name;
    assert_eq!(lab.run(&request).await.1, "pulled\n");
    let by_digest = format!("{}/team/demo@{}", registry.address, image.manifest.digest);
    let again = lab.containerd.ensure_image(&by_digest, None, PullPolicy::Always, &[]).await.unwrap();
    assert_eq!(again.name, by_digest);
    assert_eq!(again.digest, pulled.digest);
    lab.finish().await;
}

#[tokio::test]
async fn what_the_store_has_is_not_fetched_again_and_a_moved_tag_is() {
    let (lab, registry) = (Lab::start().await, DockerRegistry::start(false).await);
    let name = registry.push(&busybox(json!({ "Cmd": ["/bin/true"] })), "demo:v1");
    lab.containerd.ensure_image(&name, None, PullPolicy::Always, &[]).await.unwrap();
    let unchanged = lab.containerd.ensure_image(&name, None, PullPolicy::Always, &[]).await.unwrap();
    assert_eq!(unchanged.pull_started_at_ms, None, "nothing was transferred");
    registry.push(&busybox(json!({ "Cmd": ["/bin/false"] })), "demo:v1");
    let cached = lab.containerd.ensure_image(&name, None, PullPolicy::IfMissing, &[]).await.unwrap();
    assert_eq!(cached.config.cmd, ["/bin/true"]);
    let moved = lab.containerd.ensure_image(&name, None, PullPolicy::Default, &[]).await.unwrap();
    assert_eq!(moved.config.cmd, ["/bin/false"]);
    drop(registry);
    let offline = lab.containerd.ensure_image(&name, None, PullPolicy::Default, &[]).await.unwrap();
    assert_eq!(offline.config.cmd, ["/bin/false"], "a registry that is gone does not matter by default");
    let always = lab.containerd.ensure_image(&name, None, PullPolicy::Always, &[]).await.unwrap_err();
    assert!(matches!(always, PullError::Unreachable { .. }), "{always:?}");
    assert_eq!(always.retry(), Retry::Backoff);
    lab.finish().await;
}

#[tokio::test]
async fn a_registry_with_passwords_lets_in_who_has_one() {
    let (lab, registry) = (Lab::start().await, DockerRegistry::start(true).await);
    let name = registry.push(&busybox(json!({})), "demo:v1");
    for auth in [None, Some(password("wrong"))] {
        let error =
            lab.containerd.ensure_image(&name, auth.as_ref(), PullPolicy::Always, &[]).await.unwrap_err();
        assert!(matches!(error, PullError::Unauthorized { .. }), "{error:?}");
        assert_eq!(error.retry(), Retry::Never);
        assert!(!format!("{error:?} {error}").contains("wrong"), "a password is never printed");
    }
    lab.containerd.ensure_image(&name, Some(&password("secret")), PullPolicy::Always, &[]).await.unwrap();
    let error = lab.containerd.ensure_image(&name, None, PullPolicy::Always, &[]).await.unwrap_err();
    assert!(matches!(error, PullError::Unauthorized { .. }), "nobody uses the token of another");
    lab.finish().await;
}

#[tokio::test]
async fn a_registry_with_tokens_lets_in_who_can_get_one() {
    let lab = Lab::start().await;
    let registry = OwnRegistry::start(&busybox(json!({})), Mood::Token).await;
    let name = registry.name();
    for auth in [None, Some(password("wrong")), Some(RegistryAuth::Bearer { token: "stale".into() })] {
        let error =
            lab.containerd.ensure_image(&name, auth.as_ref(), PullPolicy::Always, &[]).await.unwrap_err();
        assert!(matches!(error, PullError::Unauthorized { .. }), "{error:?}");
    }
    let token = RegistryAuth::Bearer { token: "good-token".into() };
    lab.containerd.ensure_image(&name, Some(&password("secret")), PullPolicy::Always, &[]).await.unwrap();
    lab.containerd.ensure_image(&name, Some(&token), PullPolicy::Always, &[]).await.unwrap();
    lab.finish().await;
}

#[tokio::test]
async fn what_does_not_exist_or_cannot_be_reached_is_said_at_once() {
    let (lab, registry) = (Lab::start().await, DockerRegistry::start(false).await);
    let missing = format!("{}/no/such:image", registry.address);
    let error = lab.containerd.ensure_image(&missing, None, PullPolicy::IfMissing, &[]).await.unwrap_err();
    assert!(matches!(&error, PullError::NotFound { image, .. } if *image == missing), "{error:?}");
    assert_eq!(error.retry(), Retry::Never);
    let error =
        lab.containerd.ensure_image("127.0.0.1:1/demo", None, PullPolicy::Default, &[]).await.unwrap_err();
    assert!(
        error.to_string().starts_with("cannot reach the registry for image 127.0.0.1:1/demo:latest"),
        "{error}"
    );
    assert!(error.to_string().contains("refused"), "{error}");
    let error = lab.containerd.ensure_image("Not A Name", None, PullPolicy::Default, &[]).await.unwrap_err();
    assert!(matches!(error, PullError::Invalid(_)), "{error:?}");
    let limited = OwnRegistry::start(&busybox(json!({})), Mood::Limits).await;
    let error =
        lab.containerd.ensure_image(&limited.name(), None, PullPolicy::Always, &[]).await.unwrap_err();
    assert!(matches!(error, PullError::RateLimited { .. }), "{error:?}");
    lab.finish().await;
}

#[tokio::test]
async fn a_layer_that_breaks_off_goes_on_where_it_stopped() {
    let lab = Lab::start().await;
    let image = image(vec![large()], json!({}));
    let registry = OwnRegistry::start(&image, Mood::BreaksOff).await;
    lab.containerd.ensure_image(&registry.name(), None, PullPolicy::Always, &[]).await.unwrap();
    let asked = registry.layers_asked();
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert!(asked[1].1 > 1 << 20, "the second time only the rest was asked for: {asked:?}");
    lab.finish().await;
}

#[tokio::test]
async fn wrong_bytes_are_never_stored() {
    let lab = Lab::start().await;
    let registry = OwnRegistry::start(&image(vec![large()], json!({})), Mood::Lies).await;
    let error =
        lab.containerd.ensure_image(&registry.name(), None, PullPolicy::Always, &[]).await.unwrap_err();
    assert!(matches!(error, PullError::DigestMismatch { .. }), "{error:?}");
    assert!(lab.containerd.images().await.unwrap().is_empty());
    until("what was fetched is collected", async || lab.ctr(&["content", "active"]).len() <= 1).await;
    lab.finish().await;
}

#[tokio::test]
async fn a_full_disk_is_said_to_be_full() {
    let lab = Lab::with_small_disk().await;
    let registry = OwnRegistry::start(&image(vec![large()], json!({})), Mood::Good).await;
    let error =
        lab.containerd.ensure_image(&registry.name(), None, PullPolicy::Always, &[]).await.unwrap_err();
    let PullError::Store { source, .. } = &error else { panic!("{error:?}") };
    assert!(matches!(**source, StoreError::NoSpace { .. }), "{source:?}");
    assert_eq!(error.retry(), Retry::Backoff);
    lab.finish().await;
}

#[tokio::test]
async fn a_registry_that_falls_silent_is_given_up_in_time() {
    let pull =
        |inactivity, total, attempts| PullSettings { inactivity, total, attempts, ..PullSettings::default() };
    let registry = OwnRegistry::start(&image(vec![large()], json!({})), Mood::Stalls).await;
    let lab = Lab::with_pull(pull(Duration::from_millis(300), Duration::from_secs(60), 1)).await;
    let begun = Instant::now();
    let error =
        lab.containerd.ensure_image(&registry.name(), None, PullPolicy::Always, &[]).await.unwrap_err();
    assert!(matches!(error, PullError::Unreachable { .. }), "{error:?}");
    assert!(begun.elapsed() < Duration::from_secs(20));
    lab.finish().await;
    let lab = Lab::with_pull(pull(Duration::from_secs(60), Duration::from_millis(800), 1)).await;
    let error =
        lab.containerd.ensure_image(&registry.name(), None, PullPolicy::Always, &[]).await.unwrap_err();
    assert!(matches!(error, PullError::Timeout { .. }), "{error:?}");
    lab.finish().await;
}

#[tokio::test]
async fn those_who_want_one_image_at_once_share_one_pull() {
    let lab = Lab::start().await;
    let registry = OwnRegistry::start(&busybox(json!({})), Mood::Good).await;
    let name = registry.name();
    let pulls = (0..8).map(|_| lab.containerd.ensure_image(&name, None, PullPolicy::Always, &[]));
    let images = futures_util::future::join_all(pulls).await;
    assert!(images.iter().all(|image| image.as_ref().unwrap() == images[0].as_ref().unwrap()));
    assert_eq!(registry.layers_asked().len(), 2, "each layer once");
    lab.finish().await;
}

#[tokio::test]
async fn a_pull_goes_on_when_its_caller_goes_away() {
    let lab = Lab::start().await;
    let registry = OwnRegistry::start(&image(vec![large()], json!({})), Mood::Good).await;
    let name = registry.name();
    let call = lab.containerd.ensure_image(&name, None, PullPolicy::Always, &[]);
    let asked = async {
        while registry.layers_asked().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    // Cancellation: the call is dropped in the middle of its pull, which is what is tested; looking at what the registry was
    // asked for leaves nothing behind. The call first: where it ends, what was asked for is of no interest.
    tokio::select! {
        biased;
        image = call => panic!("it ended before its caller went away: {image:?}"),
        () = asked => {}
    }
    until("the image is there", async || {
        lab.containerd.ensure_image(&name, None, PullPolicy::Never, &[]).await.is_ok()
    })
    .await;
    lab.finish().await;
}

#[tokio::test]
async fn of_an_image_for_several_machines_ours_is_taken() {
    let lab = Lab::start().await;
    let image = busybox(json!({}));
    let platform = |architecture: &str| {
        let mut entry = image.manifest.descriptor();
        entry["platform"] = json!({ "architecture": architecture, "os": "linux" });
        entry
    };
    let ours = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    let mut foreign = platform("s390x");
    foreign["digest"] = json!(format!("sha256:{}", "0".repeat(64)));
    let index = |entries: Vec<serde_json::Value>| {
        let index = json!({ "schemaVersion": 2, "manifests": entries });
        Blob::new("application/vnd.oci.image.index.v1+json", serde_json::to_vec(&index).unwrap())
    };
    let top = index(vec![foreign.clone(), platform(ours)]);
    let registry = OwnRegistry::with_top(&image, &top, Mood::Good).await;
    let pulled = lab.containerd.ensure_image(&registry.name(), None, PullPolicy::Always, &[]).await.unwrap();
    assert_eq!(pulled.digest.as_deref(), Some(top.digest.as_str()));
    assert_eq!(pulled.config_digest, image.config.digest);
    let mut request = lab.container("c", "echo ours");
    request.image = pulled.name;
    assert_eq!(lab.run(&request).await.1, "ours\n");
    let registry = OwnRegistry::with_top(&image, &index(vec![foreign]), Mood::Good).await;
    let error =
        lab.containerd.ensure_image(&registry.name(), None, PullPolicy::Always, &[]).await.unwrap_err();
    let PullError::Store { source, .. } = &error else { panic!("{error:?}") };
    assert!(source.to_string().contains("has nothing for linux/"), "{source}");
    assert_eq!(error.retry(), Retry::Never);
    lab.finish().await;
}

#[tokio::test]
async fn a_thing_that_is_no_image_is_refused() {
    let lab = Lab::start().await;
    let mut chart = busybox(json!({}));
    chart.layers[0].media_type = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";
    let manifest = json!({ "schemaVersion": 2, "config": chart.config.descriptor(),
        "layers": chart.layers.iter().map(Blob::descriptor).collect::<Vec<_>>() });
    chart.manifest =
        Blob::new("application/vnd.oci.image.manifest.v1+json", serde_json::to_vec(&manifest).unwrap());
    let registry = OwnRegistry::start(&chart, Mood::Good).await;
    let error =
        lab.containerd.ensure_image(&registry.name(), None, PullPolicy::Always, &[]).await.unwrap_err();
    let PullError::Store { source, .. } = &error else { panic!("{error:?}") };
    assert!(source.to_string().contains("helm"), "{source}");
    lab.finish().await;
}
