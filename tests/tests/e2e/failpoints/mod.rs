//! The kill sweep: the real agent dies at every named point, while tasks are in every state, and nothing is lost, doubled or untrue.
//!
//! `make test` kills it once at each point, `make soak` three times, with more tasks; `WHARF_POINTS=image.` chooses the points with
//! that in their name. See docs/explanation/failpoints.md.

mod check;
mod names;
mod place;
mod round;
mod stage;
mod workload;

use round::Rolling;
use std::time::Instant;
use tokio::task::JoinSet;
use wharf_tests::failpoints::{POINTS, Point};
use wharf_tests::long;

/// Hosts side by side; each takes its share of the points.
const HOSTS: usize = 3;
/// Third number of the tasks' addresses on the first of them.
const NET: u8 = 230;

// Each host asks other programs and waits for them where it stands; no other is to wait for that.
#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn the_agent_may_die_at_any_point_and_nothing_is_lost_doubled_or_untrue() {
    names::the_program_under_test_has_failpoints();
    let chosen = std::env::var("WHARF_POINTS").unwrap_or_default();
    let points: Vec<&Point> = POINTS.iter().filter(|point| point.name.contains(&chosen)).collect();
    assert!(!points.is_empty(), "no point has {chosen:?} in its name");
    let mut hosts = JoinSet::new();
    for host in 0..HOSTS.min(points.len()) {
        let share: Vec<_> = points.iter().copied().skip(host).step_by(HOSTS).collect();
        hosts.spawn(async move {
            let mut rolling = Rolling::start(NET + u8::try_from(host).unwrap()).await;
            let mut kills = 0;
            for point in share {
                for hit in &point.hits[..long::pick(1, point.hits.len())] {
                    let begun = Instant::now();
                    rolling.round(point, *hit).await;
                    kills += 1;
                    println!(
                        "host {host}: died at {}, hit {hit}: all is well after {:.1?}",
                        point.name,
                        begun.elapsed()
                    );
                }
            }
            rolling.finish().await;
            kills
        });
    }
    let kills: usize = hosts.join_all().await.into_iter().sum();
    println!("{} points, {kills} kills, nothing lost, doubled or untrue", points.len());
}
