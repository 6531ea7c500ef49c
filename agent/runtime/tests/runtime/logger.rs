//! Output through `wharf-logger`.

use crate::lab::{LONG, Lab, logger, until};
use serde_json::Value;
use std::path::Path;
use wharf_runtime::{CreateContainer, CreateError, LogTarget};

fn logged_to(lab: &Lab, id: &str, script: &str, more: &[(&str, &str)]) -> CreateContainer {
    let path = lab.log_path(id);
    let mut args = vec![("path", path.to_str().unwrap())];
    args.extend(more);
    CreateContainer { log: logger(&args), ..lab.container(id, script) }
}

fn entries(path: &Path) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let entry = |line: &str| {
        let entry: Value = serde_json::from_str(line).unwrap();
        (entry["stream"].as_str().unwrap().to_owned(), entry["log"].as_str().unwrap().to_owned())
    };
    text.lines().map(entry).collect()
}

#[tokio::test]
async fn both_streams_arrive_as_json_lines_before_the_container_is_deleted() {
    let lab = Lab::with_demo().await;
    let request = logged_to(&lab, "c", "echo out; echo bad >&2; echo -n end", &[]);
    assert_eq!(lab.run(&request).await.0.code, 0);
    let mut entries = entries(&lab.log_path("c"));
    entries.sort();
    let expected = [("stderr", "bad\n"), ("stdout", "end"), ("stdout", "out\n")];
    assert_eq!(entries, expected.map(|(stream, log)| (stream.to_owned(), log.to_owned())));
    lab.finish().await;
}

#[tokio::test]
async fn half_a_megabyte_is_rotated_and_a_full_disk_does_not_hold_the_container() {
    let lab = Lab::with_demo().await;
    let flood = "dd if=/dev/zero bs=1000 count=500 2>/dev/null | busybox tr '\\0' 'x' | busybox fold -w 99";
    let request = logged_to(&lab, "rotated", flood, &[("max-size", "100k"), ("max-file", "3")]);
    assert_eq!(lab.run(&request).await.0.code, 0);
    let path = lab.log_path("rotated");
    for suffix in ["", ".1", ".2"] {
        let file = std::fs::metadata(format!("{}{suffix}", path.display())).unwrap();
        assert!(file.len() <= 100 << 10 && file.len() > 0, "{suffix}");
    }
    assert!(!path.with_extension("log.3").exists());
    let full = CreateContainer { log: logger(&[("path", "/dev/full")]), ..lab.container("full", flood) };
    assert_eq!(lab.run(&full).await.0.code, 0);
    lab.finish().await;
}

#[tokio::test]
async fn a_plain_file_gets_the_output_as_it_is() {
    let lab = Lab::with_demo().await;
    let request =
        CreateContainer { log: LogTarget::File(lab.log_path("c")), ..lab.container("c", "echo as it is") };
    assert_eq!(lab.run(&request).await.0.code, 0);
    assert_eq!(std::fs::read_to_string(lab.log_path("c")).unwrap(), "as it is\n");
    lab.finish().await;
}

#[tokio::test]
async fn a_terminal_is_logged_by_the_logger_and_by_nothing_else() {
    let lab = Lab::with_demo().await;
    let mut request = logged_to(&lab, "tty", "test -t 1 && echo $TERM", &[]);
    request.process.tty = true;
    assert_eq!(lab.run(&request).await.0.code, 0);
    assert_eq!(entries(&lab.log_path("tty")), [("stdout".to_owned(), "xterm\r\n".to_owned())]);
    let discarded = CreateContainer { id: "none".into(), log: logger(&[]), ..request.clone() };
    assert_eq!(lab.run(&discarded).await.0.code, 0);
    let file = CreateContainer { log: LogTarget::File(lab.log_path("x")), ..request };
    let error = lab.containerd.create(&file).await.unwrap_err();
    let CreateError::Spec { source, .. } = error else { panic!("{error}") };
    assert_eq!(source.to_string(), "a terminal needs a log target that is a program");
    lab.finish().await;
}

#[tokio::test]
async fn the_logger_lives_with_the_container_and_is_small() {
    let lab = Lab::with_demo().await;
    let request = logged_to(&lab, "small", "echo up; sleep 1000", &[]);
    lab.containerd.create(&request).await.unwrap();
    lab.containerd.start("small").await.unwrap();
    until("it has logged", async || entries(&lab.log_path("small")).len() == 1).await;
    let loggers = lab.processes_with("wharf-logger");
    assert_eq!(loggers.len(), 1);
    let status = std::fs::read_to_string(format!("/proc/{}/status", loggers[0])).unwrap();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let resident: u64 = resident.trim().trim_end_matches(" kB").parse().unwrap();
    println!("wharf-logger: {resident} KiB resident");
    assert!(resident < 8 << 10, "{resident} KiB");
    lab.containerd.signal("small", "KILL").await.unwrap();
    lab.containerd.wait("small", LONG).await.unwrap();
    lab.containerd.delete("small").await.unwrap();
    assert!(lab.processes_with("wharf-logger").is_empty());
    lab.finish().await;
}
