//! Start-and-stop cycles with kills of the agent in between: afterwards the kernel, containerd and the agent hold what they held before.
//!
//! `make test` runs a few, `make soak` a thousand; the table of the thousand stands in docs/reliability.md.

use crate::lifecycle::connected_on;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use wharf_tests::leaks::{self, Inventory};
use wharf_tests::payload::{arn, awsvpc_task, container, payload, stop};
use wharf_tests::scripted::Scripted;
use wharf_tests::witness::Witness;
use wharf_tests::world::Host;
use wharf_tests::{long, wait};

const STAY: &[&str] = &["sh", "-c", "trap 'exit 0' TERM; sleep 3600 & wait"];
/// Cycles under way at once.
const SLOTS: usize = 6;
/// Cycles for each kill.
const PER_KILL: usize = 20;
/// A bound of every wait, not a measurement.
const DEADLINE: Duration = Duration::from_secs(120);
/// Longer than idle connections are kept for their next use.
const IDLE: Duration = Duration::from_secs(180);
/// Third number of the tasks' addresses.
const NET: u8 = 233;

#[tokio::test(flavor = "multi_thread")]
async fn after_many_cycles_and_kills_every_count_is_back_where_it_began() {
    let cycles = long::pick(3 * PER_KILL, 1000);
    let mut host = Host::with_own_containerd().unwrap();
    host.set("ECS_LOGLEVEL", "info");
    // So that the records of the first cycles are dropped while the last ones run.
    host.set("ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION", "1m");
    let witness = Witness::listen(host.containerd(), host.namespace()).unwrap();
    let (mut host, control) = connected_on(host).await;
    let control = Arc::new(control);
    // Once, so that what is made on first use is counted before as well.
    cycle(Arc::clone(&control), 0).await;
    restart(&mut host, &control).await;
    // The connections that the agent keeps for its next calls, one or two as it happens, end with the peer, here and at the end.
    let control = Arc::new(hang_up(control).await);
    let before = settled(&host).await;

    let begun = Instant::now();
    let (kills, told) = run(&mut host, &control, cycles).await;
    let took = begun.elapsed();
    assert_eq!(told.len(), cycles);
    are_true(&told, &witness).await;
    let control = hang_up(control).await;
    let after = wait::until("every count to be back", IDLE, async || {
        let after = counts(&host).await;
        if after == before { Ok(after) } else { Err(leaks::table(&before, &after)) }
    })
    .await;
    println!(
        "{cycles} cycles with {kills} kills of the agent in {took:.0?}:\n{}",
        leaks::table(&before, &after)
    );

    crate::lifecycle::end(host, control).await;
}

/// Runs the cycles; returns how often the agent was killed, and what was told of each container.
async fn run(
    host: &mut Host,
    control: &Arc<Scripted>,
    cycles: usize,
) -> (usize, BTreeMap<String, Option<i64>>) {
    let (mut under_way, mut told) = (JoinSet::new(), BTreeMap::new());
    let (mut begun, mut kills) = (0, 0);
    for ended in 1..=cycles {
        while begun < cycles && under_way.len() < SLOTS {
            begun += 1;
            under_way.spawn(cycle(Arc::clone(control), begun));
        }
        told.extend([under_way.join_next().await.expect("as many end as begin").unwrap()]);
        // Once in each block of cycles, at a moment that differs from block to block; early in the last one, so that the agent
        // whose files are counted has had work to do.
        let last = kills + 1 == cycles / PER_KILL;
        let moment = if last { 1 } else { 1 + kills * 7 % PER_KILL };
        if ended == kills * PER_KILL + moment && ended < cycles {
            host.kill_agent().unwrap();
            host.start_agent(&format!("http://{}", control.address())).unwrap();
            kills += 1;
        }
    }
    (kills, told)
}

/// One task, started, stopped and gone; says which container it was and the code that was told of it.
async fn cycle(control: Arc<Scripted>, number: usize) -> (String, Option<i64>) {
    let address = u8::try_from(10 + number % 240).expect("below 250");
    let mut app = container("app", STAY);
    app.stop_timeout = Some(2);
    let task = awsvpc_task(NET, address, vec![app]);
    control.deliver(payload(vec![task.clone()]));
    control.status_of(arn(&task), "RUNNING", DEADLINE).await;
    control.deliver(payload(vec![stop(&task)]));
    control.status_of(arn(&task), "STOPPED", DEADLINE).await;
    let told = control.last_told(arn(&task), "app");
    (told.runtime_id.expect("a container that ran has an id"), told.exit_code)
}

/// Every exit code that was told is the one that containerd saw. Which one it is depends on the moment: a process that is stopped
/// before it has set its trap is killed in the end, or ended by its runtime.
async fn are_true(told: &BTreeMap<String, Option<i64>>, witness: &Witness) {
    // The witness listens in its own time.
    wait::until("the witness to have seen what was told", IDLE, async || {
        let seen = witness.seen().exits;
        let first = |id| seen.get(id).and_then(|exits| exits.first().copied());
        let other: Vec<_> = told.iter().filter(|(id, code)| **code != first(*id)).collect();
        if other.is_empty() { Ok(()) } else { Err(format!("told otherwise: {other:?}")) }
    })
    .await;
}

async fn restart(host: &mut Host, control: &Scripted) {
    let sessions = control.sessions();
    host.kill_agent().unwrap();
    host.start_agent(&format!("http://{}", control.address())).unwrap();
    control.connected_again(sessions).await;
}

/// Stops the control plane and starts it again where it was.
async fn hang_up(control: Arc<Scripted>) -> Scripted {
    let control = Arc::into_inner(control).expect("every cycle has ended");
    let address = control.address();
    control.stop().await;
    let control = Scripted::start_at(address).await.unwrap();
    control.connected().await;
    control
}

/// The counts of an idle agent, once two looks some seconds apart agree.
async fn settled(host: &Host) -> BTreeMap<&'static str, usize> {
    let (end, mut last) = (Instant::now() + DEADLINE, counts(host).await);
    while Instant::now() < end {
        wait::for_as_long_as(Duration::from_secs(3)).await;
        let now = counts(host).await;
        if now == last {
            return now;
        }
        last = now;
    }
    panic!("the counts do not settle: {last:?}");
}

async fn counts(host: &Host) -> BTreeMap<&'static str, usize> {
    let agent = open_files(host.agent_pid().expect("it runs")).await;
    let containerd = open_files(host.containerd().pid()).await;
    let mut counts = Inventory::take_with_images(&host.scope()).counts();
    counts.extend([("open files of the agent", agent), ("open files of containerd", containerd)]);
    counts
}

/// The count that stands for five looks: whoever took the inventory before hangs up a moment after it has its answer.
async fn open_files(pid: u32) -> usize {
    let (mut looks, mut last) = (0, 0);
    wait::until("a count of open files", DEADLINE, move || {
        let now = leaks::open_files(pid);
        looks = if now == last { looks + 1 } else { 1 };
        last = now;
        std::future::ready(if looks >= 5 { Ok(now) } else { Err(format!("{now}, {looks} times")) })
    })
    .await
}
