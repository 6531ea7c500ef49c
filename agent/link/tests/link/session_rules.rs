//! Timers, backoff and reconnects of spec 3.6 and 4.4, in virtual time.

use std::time::Duration;
use tokio::time::Instant;
use wharf_link::backoff::{Backoff, BackoffPolicy};
use wharf_link::jitter::Jitter;
use wharf_link::session::{Ending, Reconnect, Session, Span, Timings, closes_in_order};
use wharf_link::submit::submit_backoff;

const SEEDS: std::ops::Range<u64> = 0..200;

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn failed() -> Ending {
    Ending::Failed("x".to_owned())
}

#[test]
fn a_silent_session_ends_between_one_and_two_minutes() {
    for seed in SEEDS {
        let mut jitter = Jitter::seeded(seed);
        let start = Instant::now();
        let session = Session::open(start, &Timings::ACS, &mut jitter);
        assert_eq!(session.due(start + secs(59)), None);
        assert_eq!(session.due(start + secs(120)), Some(Ending::Silent));
        assert_eq!(session.due(session.deadline()), Some(Ending::Silent), "the deadline is when it is due");
    }
}

#[test]
fn every_message_restarts_the_heartbeat_timer() {
    let mut jitter = Jitter::seeded(1);
    let start = Instant::now();
    let mut session = Session::open(start, &Timings::ACS, &mut jitter);
    for minute in 1..=29 {
        let now = start + secs(minute * 55);
        assert_eq!(session.due(now), None, "minute {minute}");
        session.heard(now, &mut jitter);
    }
}

#[test]
fn a_session_expires_between_30_and_35_minutes_however_lively() {
    for seed in SEEDS {
        let mut jitter = Jitter::seeded(seed);
        let start = Instant::now();
        let mut session = Session::open(start, &Timings::ACS, &mut jitter);
        session.heard(start + secs(30 * 60 - 1), &mut jitter);
        assert_eq!(session.due(start + secs(30 * 60 - 1)), None);
        session.heard(start + secs(35 * 60), &mut jitter);
        assert_eq!(session.due(start + secs(35 * 60)), Some(Ending::Expired));
    }
}

#[test]
fn the_acs_backoff_grows_from_250_ms_to_2_min_by_half() {
    let base: Vec<_> = (0..3).map(|attempt| BackoffPolicy::ACS.base(attempt).as_millis()).collect();
    assert_eq!(base, [250, 375, 562]);
    assert_eq!(BackoffPolicy::ACS.base(16), secs(120));
    assert_eq!(BackoffPolicy::ACS.base(u32::MAX), secs(120), "no overflow");
}

#[test]
fn the_tcs_and_register_backoffs_double() {
    let doubled = |policy: BackoffPolicy| [0, 1, 2, 9].map(|attempt| policy.base(attempt).as_secs());
    assert_eq!(doubled(BackoffPolicy::TCS), [1, 2, 4, 60]);
    assert_eq!(doubled(BackoffPolicy::REGISTER), [3, 6, 12, 192]);
}

#[test]
fn jitter_adds_at_most_a_fifth() {
    for seed in SEEDS {
        let mut jitter = Jitter::seeded(seed);
        let delay = BackoffPolicy::ACS.delay(30, &mut jitter);
        assert!(delay >= secs(120) && delay < secs(144), "{delay:?}");
    }
}

#[test]
fn jitter_spreads_and_repeats_for_the_same_seed() {
    let draw = |seed| BackoffPolicy::ACS.delay(5, &mut Jitter::seeded(seed));
    assert_eq!(draw(7), draw(7));
    let distinct: std::collections::BTreeSet<_> = SEEDS.map(draw).collect();
    assert!(distinct.len() > 190, "only {} different waits", distinct.len());
}

#[test]
fn submissions_wait_from_1_to_30_seconds_growing_by_a_third() {
    let mut jitter = Jitter::seeded(3);
    for (attempt, least) in [(0, 1000), (1, 1300), (2, 1690), (50, 30_000)] {
        let wait = submit_backoff(attempt, &mut jitter).as_millis();
        assert!(wait >= least && wait < least * 12 / 10, "attempt {attempt}: {wait} ms");
    }
}

#[test]
fn an_orderly_end_reconnects_at_once_and_resets_the_backoff() {
    let mut jitter = Jitter::seeded(1);
    for ending in [Ending::Closed, Ending::Expired] {
        let mut reconnect = Reconnect::new(&Timings::ACS);
        for _ in 0..10 {
            reconnect.wait_after(&failed(), None, &mut jitter);
        }
        assert_eq!(reconnect.wait_after(&ending, Some(secs(5)), &mut jitter), Duration::ZERO);
        assert!(reconnect.wait_after(&failed(), None, &mut jitter) <= Duration::from_millis(300));
    }
}

#[test]
fn a_peer_that_closes_at_once_is_not_hammered() {
    let mut jitter = Jitter::seeded(1);
    let mut reconnect = Reconnect::new(&Timings::ACS);
    for _ in 0..5 {
        let wait = reconnect.wait_after(&Ending::Closed, Some(Duration::from_millis(1)), &mut jitter);
        assert!(wait >= Duration::from_millis(250) && wait < secs(8), "{wait:?}");
    }
}

#[test]
fn failures_wait_longer_each_time() {
    let mut jitter = Jitter::seeded(1);
    let mut reconnect = Reconnect::new(&Timings::ACS);
    let waits: Vec<_> = (0..18).map(|_| reconnect.wait_after(&failed(), None, &mut jitter)).collect();
    assert!(waits[0] < waits[3] && waits[3] < waits[6] && waits[6] < waits[12], "{waits:?}");
    assert!(waits[17] >= secs(120));
}

#[test]
fn a_session_of_two_minutes_resets_the_acs_backoff_but_not_that_of_tcs() {
    let mut jitter = Jitter::seeded(1);
    let tenth_wait = |timings: &Timings, lasted, jitter: &mut Jitter| {
        let mut reconnect = Reconnect::new(timings);
        for _ in 0..9 {
            reconnect.wait_after(&failed(), None, jitter);
        }
        reconnect.wait_after(&failed(), Some(lasted), jitter)
    };
    assert!(tenth_wait(&Timings::ACS, secs(120), &mut jitter) <= Duration::from_millis(300));
    assert!(tenth_wait(&Timings::ACS, secs(59), &mut jitter) > secs(5));
    assert_eq!(tenth_wait(&Timings::TCS, secs(1800), &mut jitter).as_secs() / 60, 1);
}

#[test]
fn a_peer_that_cannot_be_reached_is_asked_again_within_three_seconds_however_long_it_was_away() {
    let mut jitter = Jitter::seeded(1);
    for timings in [Timings::ACS, Timings::TCS] {
        for ending in [Ending::Unreachable("no route".to_owned()), Ending::Silent] {
            let mut reconnect = Reconnect::new(&timings);
            let waits: Vec<_> = (0..1000).map(|_| reconnect.wait_after(&ending, None, &mut jitter)).collect();
            assert!(waits.iter().all(|wait| *wait < secs(3)), "{ending:?}");
            let distinct: std::collections::BTreeSet<_> = waits.iter().collect();
            assert!(distinct.len() > 990, "hosts that lost it together do not come back together");
        }
    }
}

#[test]
fn an_attempt_without_an_answer_a_wait_and_one_that_succeeds_fit_into_ten_seconds() {
    for Timings { connect, unreachable, backoff, .. } in [Timings::ACS, Timings::TCS] {
        let wait = unreachable.mul_f64(1.0 + backoff.jitter);
        assert!(connect + wait + secs(1) < secs(10));
    }
}

#[test]
fn a_peer_in_trouble_is_asked_again_within_eight_seconds_or_when_it_says() {
    let mut jitter = Jitter::seeded(1);
    let mut reconnect = Reconnect::new(&Timings::ACS);
    let troubled = |retry_after| Ending::Troubled { reason: "503".to_owned(), retry_after };
    for _ in 0..30 {
        assert!(reconnect.wait_after(&troubled(None), None, &mut jitter) < secs(8));
    }
    let asked = reconnect.wait_after(&troubled(Some(secs(60))), None, &mut jitter);
    assert!(asked >= secs(60) && asked < secs(72), "{asked:?}");
    let absurd = reconnect.wait_after(&troubled(Some(secs(1_000_000))), None, &mut jitter);
    assert!(absurd < secs(150), "no peer may send a host away for days: {absurd:?}");
}

#[test]
fn sessions_that_are_closed_in_order_one_after_the_other_are_pauses_apart() {
    let mut jitter = Jitter::seeded(1);
    let mut reconnect = Reconnect::new(&Timings::ACS);
    let mut closed = |lasted| reconnect.wait_after(&Ending::Closed, Some(lasted), &mut jitter);
    assert_eq!([closed(secs(5)), closed(secs(5))], [Duration::ZERO; 2], "a rolling update is nothing odd");
    let waits: Vec<_> = (0..20).map(|_| closed(secs(5))).collect();
    assert!(waits[0] >= Duration::from_millis(250) && waits[19] >= secs(6), "{waits:?}");
    assert!(waits.iter().all(|wait| *wait < secs(8)), "the rival may leave at any moment: {waits:?}");
    closed(secs(60));
    assert_eq!(closed(secs(5)), Duration::ZERO, "a session that lasted settles it");
}

#[test]
fn silence_of_a_peer_that_answers_pings_ends_the_session_within_half_a_minute() {
    let (now, mut jitter) = (Instant::now(), Jitter::seeded(1));
    let mut session = Session::open(now, &Timings::ACS, &mut jitter);
    session.noticed(now + secs(5));
    assert!(session.deadline() >= now + secs(60), "without an answer to a ping only heartbeats count");
    session.answered_ping(now + secs(10));
    assert_eq!(session.deadline(), now + secs(35));
    session.noticed(now + secs(20));
    assert_eq!(session.deadline(), now + secs(45), "whatever comes is a sign of life");
    assert!(matches!(session.due(now + secs(45)), Some(Ending::Unreachable(_))));
    assert!(Timings::ACS.ping + Timings::ACS.pulse <= secs(35) && Timings::ACS.pulse < secs(30));
}

#[test]
fn an_inactive_instance_waits_an_hour() {
    let mut jitter = Jitter::seeded(1);
    let mut reconnect = Reconnect::new(&Timings::ACS);
    let inactive = Ending::Inactive("InactiveInstanceException: gone".to_owned());
    assert_eq!(reconnect.wait_after(&inactive, None, &mut jitter), secs(3600));
}

#[test]
fn exactly_four_close_codes_mean_come_back() {
    let orderly: Vec<u16> = (0..5000).filter(|code| closes_in_order(*code)).collect();
    assert_eq!(orderly, [1000, 1001, 1006, 1011]);
}

#[test]
fn a_backoff_starts_over_after_reset() {
    let mut jitter = Jitter::seeded(1);
    let mut backoff = Backoff::new(BackoffPolicy::TCS);
    backoff.next(&mut jitter);
    assert!(backoff.next(&mut jitter) >= secs(2));
    backoff.reset();
    assert!(backoff.next(&mut jitter) < secs(2));
}

#[test]
fn a_span_without_spread_is_exact() {
    assert_eq!(Span::seconds(60, 0).draw(&mut Jitter::seeded(1)), secs(60));
}
