//! How long a state that was not taken rests.

use std::time::Duration;
use tokio::time::Instant;
use wharf_agent::healing::Healing;

const HALF_A_MINUTE: Duration = Duration::from_secs(30);
const SECOND: Duration = Duration::from_secs(1);

/// How long a rest of half a minute takes when somebody is answered at this moment of it.
async fn rest_with_an_answer_after(moment: Duration) -> Duration {
    let (healing, begun) = (Healing::new(), Instant::now());
    let answer = async {
        tokio::time::sleep(moment).await;
        healing.answered();
    };
    tokio::join!(healing.rest(HALF_A_MINUTE), answer);
    begun.elapsed()
}

#[tokio::test(start_paused = true)]
async fn a_rest_ends_when_the_control_plane_answers_somebody_but_not_within_its_first_second() {
    assert_eq!(rest_with_an_answer_after(Duration::from_secs(7)).await, Duration::from_secs(7));
    assert_eq!(rest_with_an_answer_after(SECOND / 2).await, SECOND);
}

#[tokio::test(start_paused = true)]
async fn without_an_answer_a_rest_lasts_as_long_as_it_was_meant_to() {
    let (healing, begun) = (Healing::new(), Instant::now());
    healing.answered();
    healing.rest(HALF_A_MINUTE).await;
    assert_eq!(begun.elapsed(), HALF_A_MINUTE);
    healing.rest(Duration::ZERO).await;
    assert_eq!(begun.elapsed(), HALF_A_MINUTE);
}
