//! One open TCS session: a reader that watches for signs of life and a writer that ticks (spec 4.2 to 4.7).

use super::pages::{self, Tick};
use super::{TcsConfig, TelemetrySource};
use crate::jitter::Jitter;
use crate::session::{Ending, Session};
use crate::socket::{self, Reader, Writer, chain};
use reqwest::{Upgraded, Url};
use std::convert::Infallible;
use std::time::SystemTime;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use wharf_protocol::Timestamp;
use wharf_protocol::tcs::{self, Decoded, Message};
use wharf_wait::Wait;

/// Everything one session uses.
pub(super) struct Conversation<'a, S> {
    config: &'a TcsConfig,
    url: Url,
    source: &'a mut S,
    /// The run of the health checks that was published last, in this process.
    reported: &'a mut Option<u64>,
    jitter: Jitter,
    cancel: CancellationToken,
}

impl<'a, S: TelemetrySource> Conversation<'a, S> {
    pub(super) fn new(
        config: &'a mut TcsConfig,
        url: Url,
        source: &'a mut S,
        reported: &'a mut Option<u64>,
        cancel: CancellationToken,
    ) -> Self {
        let jitter = config.jitter.fork();
        Self { config, url, source, reported, jitter, cancel }
    }

    /// Runs the session to its end and says goodbye.
    pub(super) async fn run(self, mut writer: Writer<Upgraded>, mut reader: Reader<Upgraded>) -> Ending {
        let Self { config, url, source, reported, jitter, cancel } = self;
        let mut publishing = Publishing { config, url, source, reported };
        // Cancel-safe in the only sense that matters here: whichever arm ends, the session is over and the rest of
        // the others' work with it.
        let ended = tokio::select! {
            ended = listen(config, &mut reader, jitter) => ended,
            ended = publishing.run(&mut writer) => ended,
            () = cancel.cancelled() => Err(Ending::Stopped),
        };
        let Err(ending) = ended;
        socket::say_goodbye(&mut writer, &ending).await;
        ending
    }
}

/// Only heartbeats and acks count as signs of life (spec 4.4).
async fn listen(
    config: &TcsConfig,
    reader: &mut Reader<Upgraded>,
    mut jitter: Jitter,
) -> Result<Infallible, Ending> {
    let mut timers = Session::open(Instant::now(), &config.timings, &mut jitter);
    loop {
        let frame = socket::next_in_time(reader, &mut timers, config.timings.io_deadline).await?;
        match std::str::from_utf8(&frame).ok().map(tcs::decode) {
            Some(Ok(Decoded::Message(message))) if is_sign_of_life(&message) => {
                timers.heard(Instant::now(), &mut jitter);
            }
            Some(Ok(Decoded::Message(message))) => {
                tracing::debug!(kind = message.type_name(), "no handler for this tcs message");
            }
            Some(Ok(Decoded::Unknown { type_name })) => {
                tracing::warn!(kind = type_name, "dropped a tcs message of an unknown type");
            }
            Some(Err(error)) => {
                tracing::warn!(error = chain(&error), "dropped a tcs frame that cannot be read");
            }
            None => tracing::warn!(bytes = frame.len(), "dropped a tcs frame that is not text"),
        }
    }
}

fn is_sign_of_life(message: &Message) -> bool {
    match message {
        Message::HeartbeatMessage(_)
        | Message::AckPublishMetric(_)
        | Message::AckPublishHealth(_)
        | Message::AckPublishInstanceStatus(_) => true,
        Message::PublishMetricsRequest(_)
        | Message::PublishHealthRequest(_)
        | Message::PublishInstanceStatusRequest(_)
        | Message::StopTelemetrySessionMessage(_) => false,
    }
}

/// The writing half.
struct Publishing<'a, S> {
    config: &'a TcsConfig,
    url: Url,
    source: &'a mut S,
    reported: &'a mut Option<u64>,
}

impl<S: TelemetrySource> Publishing<'_, S> {
    /// Publishes right away and then at every tick.
    async fn run(&mut self, writer: &mut Writer<Upgraded>) -> Result<Infallible, Ending> {
        let mut ticks = Wait::named("the next telemetry").owner("tcs").every(self.config.publish);
        let mut pings = socket::pings(self.config.timings.ping);
        loop {
            // Cancel-safe: tickers lose no tick.
            tokio::select! {
                biased;
                () = ticks.tick() => {}
                () = pings.tick() => {
                    socket::ping(writer, self.config.timings.io_deadline).await?;
                    continue;
                }
            }
            let metrics = self.source.metrics();
            self.send_all(writer, pages::metrics(&self.tick(), metrics)).await?;
            let health = self.source.health();
            self.send_all(writer, pages::health(&self.tick(), health)).await?;
            self.report_status(writer).await?;
        }
    }

    async fn report_status(&mut self, writer: &mut Writer<Upgraded>) -> Result<(), Ending> {
        let report = self.source.instance_status();
        let run = report.run;
        if *self.reported != Some(run) && !report.statuses.is_empty() {
            self.send_all(writer, vec![pages::instance_status(&self.tick(), report)]).await?;
            *self.reported = Some(run);
        }
        Ok(())
    }

    async fn send_all(&self, writer: &mut Writer<Upgraded>, messages: Vec<Message>) -> Result<(), Ending> {
        for message in messages {
            let body = tcs::encode(&message);
            let signed = self.config.api.sign_frame(&self.url, &body).await;
            let frame = signed.map_err(|error| Ending::Failed(chain(&error)))?;
            socket::write_frame(writer, frame, self.config.timings.io_deadline).await?;
        }
        Ok(())
    }

    fn tick(&self) -> Tick<'_> {
        Tick {
            identity: &self.config.identity,
            message_id: Uuid::new_v4().to_string(),
            timestamp: Timestamp::from(SystemTime::now()),
        }
    }
}
