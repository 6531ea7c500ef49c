//! What a process finds inside: Docker's defaults, and what was asked for.

use crate::demo_image::{Member, image, layer};
use crate::lab::{Lab, variables};
use serde_json::json;
use std::collections::BTreeMap;
use wharf_runtime::container::{Device, Ulimit};
use wharf_runtime::{CreateContainer, CreateError, Mount};

async fn output(lab: &Lab, request: &CreateContainer) -> String {
    let (exit, output) = lab.run(request).await;
    assert_eq!(exit.code, 0, "{output}");
    output
}

fn line<'a>(text: &'a str, name: &str) -> &'a str {
    text.lines()
        .find_map(|line| line.strip_prefix(name))
        .unwrap_or_else(|| panic!("no {name} in {text}"))
        .trim()
}

#[tokio::test]
async fn a_plain_container_has_dockers_capabilities_filter_and_protection() {
    let lab = Lab::with_demo().await;
    let script = "cat /proc/self/status; cat /proc/self/oom_score_adj";
    let text = output(&lab, &lab.container("plain", script)).await;
    assert_eq!(line(&text, "CapEff:"), "00000000a80425fb", "Docker's fourteen");
    assert_eq!(line(&text, "CapAmb:"), "0000000000000000");
    assert_eq!(line(&text, "CapInh:"), "0000000000000000");
    assert_eq!(line(&text, "Seccomp:"), "2");
    assert_eq!(line(&text, "NoNewPrivs:"), "0");
    assert_eq!(text.lines().last(), Some("0"), "not the shim's protection from the OOM killer");
    lab.finish().await;
}

#[tokio::test]
async fn what_is_masked_is_empty_and_what_is_read_only_cannot_be_written() {
    let lab = Lab::with_demo().await;
    let script = "cat /proc/kcore /proc/keys /proc/timer_list; ls /sys/firmware /proc/scsi /proc/acpi 2>/dev/null; \
                  echo 1 > /proc/sys/kernel/shmmax; touch /sys/x; \
                  busybox mount -t tmpfs x /tmp; busybox mknod /tmp/disk b 254 0 && cat /tmp/disk; cat /dev/kmsg; true";
    let text = output(&lab, &lab.container("masked", script)).await;
    assert_eq!(text.matches("Read-only file system").count(), 2, "{text}");
    assert_eq!(
        text.matches("Operation not permitted").count() + text.matches("permission denied").count(),
        2,
        "{text}"
    );
    assert!(text.contains("can't open '/dev/kmsg'"), "{text}");
    lab.finish().await;
}

#[tokio::test]
async fn a_privileged_container_has_everything() {
    let lab = Lab::with_demo().await;
    let mut request =
        lab.container("all", "cat /proc/self/status; busybox mount -t tmpfs x /tmp && ls -d /dev/kmsg");
    request.process.privileged = true;
    let text = output(&lab, &request).await;
    assert_eq!(line(&text, "Seccomp:"), "0");
    assert!(u64::from_str_radix(line(&text, "CapEff:"), 16).unwrap().count_ones() >= 38);
    assert!(text.ends_with("/dev/kmsg\n"), "{text}");
    lab.finish().await;
}

#[tokio::test]
async fn capabilities_are_added_and_dropped_and_privileges_can_be_frozen() {
    let lab = Lab::with_demo().await;
    let mut request = lab.container("caps", "cat /proc/self/status");
    request.process.cap_add = vec!["SYS_TIME".to_owned()];
    request.process.cap_drop = vec!["ALL".to_owned()];
    request.process.no_new_privileges = true;
    let text = output(&lab, &request).await;
    assert_eq!(line(&text, "CapEff:"), "0000000002000000");
    assert_eq!(line(&text, "NoNewPrivs:"), "1");
    lab.finish().await;
}

#[tokio::test]
async fn users_are_looked_up_in_the_image() {
    let lab = Lab::with_demo().await;
    for (number, (user, expected)) in [
        (None, "uid=0(root) gid=0(root) groups=0(root),33(extra)"),
        (Some("app"), "uid=1000(app) gid=1001(app) groups=33(extra),1001(app)"),
        (Some("1000"), "uid=1000(app) gid=1001(app) groups=33(extra),1001(app)"),
        (Some("app:extra"), "uid=1000(app) gid=33(extra) groups=33(extra)"),
        (Some("4242"), "uid=4242 gid=0(root) groups=0(root)"),
        (Some("4242:77"), "uid=4242 gid=77 groups=77"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut request = lab.container(&format!("user-{number}"), "id");
        request.process.user = user.map(str::to_owned);
        let text = output(&lab, &request).await;
        let sorted = |text: &str| {
            let (ids, groups) =
                text.trim().split_once(" groups=").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
            let mut groups: Vec<String> = groups.split(',').map(str::to_owned).collect();
            groups.sort();
            (ids, groups)
        };
        assert_eq!(sorted(&text), sorted(expected), "{user:?}");
    }
    lab.finish().await;
}

#[tokio::test]
async fn users_are_found_in_an_image_of_many_layers() {
    let lab = Lab::start().await;
    let mut layers =
        vec![layer(&[Member::Directory("etc"), Member::File("etc/passwd", b"old:x:1:1::/:/sh\n", 0o644)])];
    // More than the kernel takes when each layer is named by its full path.
    for number in 0..60 {
        layers.push(layer(&[Member::File(&format!("file-{number}"), b"", 0o644)]));
    }
    layers.push(layer(&[Member::File("etc/passwd", b"new:x:2:3::/:/sh\n", 0o644)]));
    lab.load(&image(layers, json!({})), "localhost/tall:latest").await;
    let mut request = lab.container("tall", "true");
    request.image = "localhost/tall:latest".to_owned();
    request.process.user = Some("new".to_owned());
    // The image has no programs: that it fails so shows that its user was found.
    let error = lab.containerd.create(&request).await.unwrap_err();
    assert!(matches!(error, CreateError::Runtime { .. }), "{error:?}");
    request.process.user = Some("old".to_owned());
    let error = lab.containerd.create(&request).await.unwrap_err();
    assert!(matches!(error, CreateError::User { .. }), "{error:?}");
    lab.finish().await;
}

#[tokio::test]
async fn variables_are_dockers_then_the_images_then_ones_own() {
    let lab = Lab::with_demo().await;
    let mut request = lab.container("env", "env; pwd");
    request.hostname = Some("web".to_owned());
    request.process.env = variables(&[("FROM_IMAGE", "no=1"), ("OWN", "a b")]);
    request.process.working_directory = Some("/made/here".to_owned());
    let text = output(&lab, &request).await;
    for expected in ["PATH=/bin", "HOSTNAME=web", "FROM_IMAGE=no=1", "OWN=a b", "/made/here"] {
        assert!(text.lines().any(|line| line == expected), "{expected} in {text}");
    }
    lab.finish().await;
}

#[tokio::test]
async fn mounts_limits_devices_and_a_read_only_root_are_as_asked() {
    let lab = Lab::with_demo().await;
    let data = lab.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("file"), "content\n").unwrap();
    let script = "cat /data/file; touch /data/new; touch /ro/new; touch /new; touch /scratch/ok && echo scratch; \
                  ulimit -n; cat /proc/sys/kernel/msgmax; busybox df -k /dev/shm | busybox tail -1; ls /dev/zero2; hostname 2>/dev/null; true";
    let mut request = lab.container("mounts", script);
    request.process.readonly_root = true;
    request.process.tmpfs = BTreeMap::from([("/scratch".to_owned(), "size=1m,mode=1777".to_owned())]);
    request.process.ulimits = vec![Ulimit { name: "nofile".into(), soft: 77, hard: 88 }];
    request.process.sysctls = BTreeMap::from([("kernel.msgmax".to_owned(), "4242".to_owned())]);
    request.process.shm_size = Some(8 << 20);
    request.process.devices = vec![Device {
        host_path: "/dev/zero".into(),
        container_path: "/dev/zero2".into(),
        permissions: "r".into(),
    }];
    let mount = |target: &str, read_only| Mount { source: data.clone(), target: target.into(), read_only };
    request.mounts = vec![mount("/data", false), mount("/ro", true)];
    let text = output(&lab, &request).await;
    assert!(text.lines().any(|line| line == "content"), "{text}");
    assert!(data.join("new").exists());
    assert_eq!(text.matches("Read-only file system").count(), 2, "{text}");
    for expected in ["scratch", "77", "4242", "/dev/zero2"] {
        assert!(text.lines().any(|line| line == expected), "{expected} in {text}");
    }
    assert!(text.contains(" 8192 "), "size of /dev/shm in {text}");
    lab.finish().await;
}

#[tokio::test]
async fn an_image_cannot_lead_the_user_look_up_out_of_itself() {
    let lab = Lab::start().await;
    let secret = lab.path().join("passwd");
    std::fs::write(&secret, "outsider:x:4321:4321::/:/bin/sh\n").unwrap();
    let outside = format!("../../../../../../../../..{}", secret.display());
    for (number, target) in
        [outside.as_str(), secret.to_str().unwrap(), "/proc/self/root/etc/passwd"].iter().enumerate()
    {
        let evil =
            layer(&[Member::Directory("etc"), Member::Link("etc/passwd", target), Member::Directory("proc")]);
        let name = format!("localhost/evil:{number}");
        lab.load(&image(vec![evil], json!({})), &name).await;
        let mut request = lab.container("evil", "true");
        request.image = name;
        request.process.user = Some("outsider".to_owned());
        let error = lab.containerd.create(&request).await.unwrap_err();
        assert!(matches!(error, CreateError::User { .. }), "{error:?}");
    }
    lab.finish().await;
}
