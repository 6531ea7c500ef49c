//! TCS, the websocket on which an agent publishes metrics and health (spec section 4).
//!
//! Owns every message and shape of it, their coding and the frame form with its header block. Refuses to sign: see [`crate::sigv4`].

mod frame;
mod messages;
mod metrics;

pub use crate::envelope::DecodeError;
pub use frame::Frame;
pub use messages::*;
pub use metrics::*;

/// A decoded TCS envelope.
pub type Decoded = crate::envelope::Decoded<Message>;

messages! {
    /// A message of TCS, in either direction; the variant is the type on the wire (spec 4.3 to 4.7).
    pub enum Message {
        HeartbeatMessage,
        PublishMetricsRequest,
        PublishHealthRequest,
        PublishInstanceStatusRequest,
        AckPublishMetric,
        AckPublishHealth,
        AckPublishInstanceStatus,
        StopTelemetrySessionMessage,
    }
}

/// Decodes a text frame of either direction: a header block, if there is one, is skipped.
pub fn decode(frame: &str) -> Result<Decoded, DecodeError> {
    crate::envelope::open(Frame::split(frame).body, Message::from_body)
}

/// Encodes a message as a bare envelope: what the control plane sends, and what an agent signs and puts into a [`Frame`].
pub fn encode(message: &Message) -> String {
    crate::envelope::close(message.type_name(), message)
}
