//! Rules of waiting.
#![expect(
    clippy::disallowed_methods,
    reason = "what is waited for here is made by the means of tokio itself"
)]

use std::future::pending;
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;
use wharf_wait::{
    End, Open, Wait, all, answer, begin, blocking, message, open, outcome, room, signal, spawn, tracked,
};

const MINUTE: Duration = Duration::from_secs(60);

fn listed(name: &str) -> Option<Open> {
    open().into_iter().find(|wait| wait.name == name)
}

#[tokio::test(start_paused = true)]
async fn what_comes_in_time_is_handed_on() {
    let wait = Wait::named("a quick thing").owner("the test").at_most(MINUTE);
    assert_eq!(wait.on(async { 7 }).await, Ok(7));
    assert_eq!(listed("a quick thing"), None);
}

#[tokio::test(start_paused = true)]
async fn a_wait_in_vain_says_what_for_who_and_how_long() {
    let begun = Instant::now();
    let wait = Wait::named("godot").owner(format!("task {}", 1)).at_most(MINUTE);
    let error = wait.on(pending::<()>()).await.unwrap_err();
    assert_eq!(begun.elapsed(), MINUTE);
    assert_eq!(error.to_string(), "task 1 waited 60 s for godot in vain");
}

#[tokio::test(start_paused = true)]
async fn a_moment_is_an_end_too_and_one_that_is_over_does_not_wait() {
    let wait = |end| Wait::named("a moment").owner("the test").until(end).on(pending::<()>());
    assert!(wait(Instant::now() + MINUTE).await.is_err());
    let begun = Instant::now();
    assert!(wait(begun).await.is_err());
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_wait_is_listed_while_it_lasts_and_no_longer() {
    let waiting =
        tokio::spawn(Wait::named("a listed thing").owner("the test").at_most(MINUTE).on(pending::<()>()));
    tokio::task::yield_now().await;
    let seen = listed("a listed thing").unwrap();
    assert_eq!((&*seen.owner, seen.end), ("the test", End::At(seen.since + MINUTE)));
    assert!(!seen.is_long(seen.since + MINUTE / 3));
    assert!(seen.is_long(seen.since + MINUTE / 3 * 2));
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    assert_eq!(listed("a listed thing"), None, "a wait that is dropped is over");
}

#[tokio::test(start_paused = true)]
async fn a_wait_without_an_end_says_why_it_needs_none() {
    let why = "nothing is to be done until something happens";
    let waiting = tokio::spawn(Wait::endless("an inbox", why).on(pending::<()>()));
    tokio::task::yield_now().await;
    let seen = listed("an inbox").unwrap();
    assert_eq!((seen.end, seen.is_long(seen.since + MINUTE)), (End::Never(why), false));
    waiting.abort();
}

#[tokio::test(start_paused = true)]
async fn a_pause_lasts_as_long_as_it_says_and_is_listed() {
    let begun = Instant::now();
    let pausing = tokio::spawn(Wait::named("a pause").owner("the test").pause(MINUTE));
    tokio::task::yield_now().await;
    assert!(listed("a pause").is_some());
    pausing.await.unwrap();
    assert_eq!(begun.elapsed(), MINUTE);
}

#[tokio::test(start_paused = true)]
async fn the_list_is_bounded_and_waits_beyond_it_work_all_the_same() {
    let waits: Vec<_> = (0..5000)
        .map(|_| {
            tokio::spawn(Wait::named("one of many").owner("the test").at_most(MINUTE).on(pending::<()>()))
        })
        .collect();
    tokio::task::yield_now().await;
    assert!(open().len() <= 4096);
    for wait in waits {
        assert!(wait.await.unwrap().is_err());
    }
}

/// Each level of waits within waits would double what it waits for, until a thread's stack is too small for it.
#[tokio::test(start_paused = true)]
async fn a_wait_takes_no_room_for_what_it_waits_for() {
    let large = [0_u8; 100_000];
    let future = async move {
        tokio::task::yield_now().await;
        large.len()
    };
    let wait = Wait::named("a large thing").owner("the test").at_most(MINUTE).on(future);
    assert!(size_of_val(&wait) < 200, "{} bytes", size_of_val(&wait));
    assert_eq!(wait.await, Ok(100_000));
}

#[tokio::test(start_paused = true)]
async fn what_others_do_is_waited_for_with_a_name_and_an_end() {
    let (sender, mut inbox) = mpsc::channel(1);
    let wait = |name| Wait::named(name).owner("the test").at_most(MINUTE);
    assert_eq!(wait("room").of(room(&sender, 1)).await, Ok(Ok(())));
    assert!(wait("room that is not there").of(room(&sender, 2)).await.is_err());
    assert_eq!(wait("a message").of(message(&mut inbox)).await, Ok(Some(1)));
    assert!(wait("a message that does not come").of(message(&mut inbox)).await.is_err());
    drop(sender);
    let forever = Wait::endless("the last message", "the sender ends it");
    assert_eq!(forever.of(message(&mut inbox)).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_signal_counts_from_the_moment_at_which_it_is_named() {
    let bell = Notify::new();
    let heard = signal(&bell);
    bell.notify_waiters();
    let wait = Wait::named("a bell").owner("the test").at_most(MINUTE);
    assert_eq!(wait.of(heard).await, Ok(()), "it rang after it was named and before it was waited for");
}

#[tokio::test(start_paused = true)]
async fn a_ticker_ticks_at_once_and_then_at_each_step_and_is_listed_while_it_is_waited_for() {
    let begun = Instant::now();
    let mut ticker = Wait::named("a tick").owner("the test").every(MINUTE);
    for step in 0..3 {
        ticker.tick().await;
        assert_eq!(begun.elapsed(), MINUTE * step);
    }
    let ticking = tokio::spawn(async move { ticker.tick().await });
    tokio::task::yield_now().await;
    assert_eq!(listed("a tick").unwrap().end, End::At(begun + MINUTE * 3));
    ticking.abort();
}

#[tokio::test(start_paused = true)]
async fn a_tick_that_is_not_taken_stays_due_and_a_late_one_does_not_move_the_next() {
    let begun = Instant::now();
    let mut ticker = Wait::named("a tick").owner("the test").after_every(MINUTE);
    assert!(
        Wait::named("half a step").owner("the test").at_most(MINUTE / 2).on(ticker.tick()).await.is_err()
    );
    tokio::time::advance(MINUTE).await;
    ticker.tick().await;
    assert_eq!(begun.elapsed(), MINUTE / 2 * 3, "it was due meanwhile");
    ticker.tick().await;
    assert_eq!(begun.elapsed(), MINUTE * 2);
}

#[tokio::test(start_paused = true)]
async fn what_a_ticker_missed_is_not_made_up_for() {
    let begun = Instant::now();
    let mut ticker = Wait::named("a tick").owner("the test").every(MINUTE);
    tokio::time::advance(MINUTE * 5).await;
    ticker.tick().await;
    ticker.tick().await;
    assert_eq!(begun.elapsed(), MINUTE * 6);
}

#[tokio::test(start_paused = true)]
async fn a_tick_is_moved_nearer_by_within_and_either_way_by_after() {
    let begun = Instant::now();
    let mut ticker = Wait::named("a tick").owner("the test").after_every(MINUTE);
    ticker.within(MINUTE / 3);
    ticker.within(MINUTE / 2);
    assert_eq!(ticker.next(), begun + MINUTE / 3);
    ticker.tick().await;
    assert_eq!(begun.elapsed(), MINUTE / 3);
    assert_eq!(ticker.next(), begun + MINUTE / 3 + MINUTE);
    ticker.after(2 * MINUTE);
    assert_eq!(ticker.next(), begun + MINUTE / 3 + 2 * MINUTE);
}

#[tokio::test]
async fn work_that_blocks_is_begun_at_once_and_waited_for_with_a_name() {
    let (begin, mut begun) = mpsc::channel(1);
    let work = blocking(move || begin.try_send(7));
    let wait = |name| Wait::named(name).owner("the test").at_most(MINUTE);
    assert_eq!(wait("the work to begin").of(message(&mut begun)).await, Ok(Some(7)));
    assert_eq!(wait("the work to end").of(work).await, Ok(Ok(())));
}

#[tokio::test]
#[should_panic(expected = "broken")]
async fn a_panic_of_work_that_blocks_goes_on_in_whoever_waits() {
    let work = blocking(|| panic!("broken"));
    Wait::endless("the work to end", "it panics at once").of(work).await
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_waited_for_until_nobody_can_give_it() {
    let wait = || Wait::named("an answer").owner("the test").at_most(MINUTE);
    let (giver, answered) = answer();
    giver.send(7).unwrap();
    assert_eq!(wait().of(answered).await, Ok(Ok(7)));
    let (giver, answered) = answer::<()>();
    drop(giver);
    assert!(wait().of(answered).await.unwrap().is_err());
}

#[test]
fn a_thread_waits_with_a_name_too() {
    let (sender, mut inbox) = mpsc::channel(4);
    let reader = std::thread::spawn(move || {
        let mut batch = Vec::new();
        let wait = Wait::endless("messages for a thread", "the sender ends it");
        while wait.clone().messages_here(&mut inbox, &mut batch, 2) > 0 {}
        batch
    });
    (1..4).for_each(|number| sender.try_send(number).unwrap());
    drop(sender);
    let ended = Wait::endless("the reader", "the sender is gone").join(reader);
    assert_eq!(ended.unwrap(), [1, 2, 3]);
    let ended = std::thread::scope(|scope| {
        Wait::endless("a thread that borrows", "it ends at once").join_scoped(scope.spawn(|| 7))
    });
    assert_eq!(ended.unwrap(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_job_is_waited_for_with_a_name_and_ends_when_it_is_dropped() {
    let wait = || Wait::named("a job").owner("the test").at_most(MINUTE);
    let mut job = spawn(async { 7 });
    assert_eq!(wait().of(outcome(&mut job)).await.unwrap().unwrap(), 7);
    let (held, mut inbox) = mpsc::channel::<()>(1);
    drop(spawn(async move {
        pending::<()>().await;
        drop(held);
    }));
    assert_eq!(wait().of(message(&mut inbox)).await, Ok(None), "what it held is let go of");
}

#[tokio::test(start_paused = true)]
async fn a_tracked_task_goes_on_when_nobody_waits_for_it_until_its_tracker_has_seen_its_end() {
    let wait = || Wait::named("a task").owner("the test").at_most(MINUTE);
    let (tracker, (sender, mut inbox)) = (TaskTracker::new(), mpsc::channel(2));
    assert_eq!(wait().of(tracked(&tracker, async { 7 })).await, Ok(7));
    let told = sender.clone();
    drop(tracked(&tracker, async move { told.try_send("tracked") }));
    begin(&tracker, async move { sender.try_send("begun") });
    tracker.close();
    assert_eq!(wait().of(all(&tracker)).await, Ok(()));
    assert_eq!((inbox.try_recv(), inbox.try_recv()), (Ok("tracked"), Ok("begun")));
}
