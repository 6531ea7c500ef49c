//! How long the steps take, next to the bare calls. Run with `--nocapture` to see the numbers.

use crate::lab::{DEMO, LONG, Lab};
use std::time::{Duration, Instant};
use wharf_runtime::{LogTarget, PullPolicy};

const ROUNDS: usize = 15;

fn median(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1000.0
}

#[tokio::test]
async fn steps_are_measured() {
    let lab = Lab::with_demo().await;
    let (mut ensure, mut create, mut start, mut delete) = (vec![], vec![], vec![], vec![]);
    for round in 0..ROUNDS {
        let mut request = lab.container(&format!("b{round}"), "sleep 1000");
        request.log = LogTarget::Null;
        request.shim_group = format!("group-{round}");
        let time = async |times: &mut Vec<Duration>,
                          work: std::pin::Pin<Box<dyn Future<Output = ()> + '_>>| {
            let begun = Instant::now();
            work.await;
            times.push(begun.elapsed());
        };
        let c = &lab.containerd;
        time(
            &mut ensure,
            Box::pin(async { drop(c.ensure_image(DEMO, None, PullPolicy::IfMissing).await.unwrap()) }),
        )
        .await;
        time(&mut create, Box::pin(async { c.create(&request).await.unwrap() })).await;
        time(&mut start, Box::pin(async { assert!(c.start(&request.id).await.unwrap().pid > 0) })).await;
        lab.containerd.signal(&request.id, "KILL").await.unwrap();
        lab.containerd.wait(&request.id, LONG).await.unwrap();
        time(&mut delete, Box::pin(async { assert!(c.delete(&request.id).await.unwrap().is_some()) })).await;
    }
    println!(
        "median of {ROUNDS}: ensure {:.2} ms, create {:.2} ms, start {:.2} ms, delete {:.2} ms",
        median(&mut ensure),
        median(&mut create),
        median(&mut start),
        median(&mut delete)
    );
    lab.finish().await;
}
