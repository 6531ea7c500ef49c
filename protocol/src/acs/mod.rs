//! ACS, the websocket on which a control plane tells an agent what to run (spec section 3).
//!
//! Owns every message and shape of it and their coding. Refuses to know when which is sent.

mod container;
mod credentials;
mod messages;
mod network;
mod task;
mod volume;

pub use crate::envelope::DecodeError;
pub use container::*;
pub use credentials::*;
pub use messages::*;
pub use network::*;
pub use task::*;
pub use volume::*;

/// A decoded ACS frame.
pub type Decoded = crate::envelope::Decoded<Message>;

messages! {
    /// A message of ACS, in either direction; the variant is the type on the wire (spec 3.4).
    pub enum Message {
        HeartbeatMessage,
        PayloadMessage,
        IAMRoleCredentialsMessage,
        TaskManifestMessage,
        TaskStopVerificationAck,
        AttachTaskNetworkInterfacesMessage,
        AttachInstanceNetworkInterfacesMessage,
        ConfirmAttachmentMessage,
        StageUpdateMessage,
        PerformUpdateMessage,
        CloseMessage,
        ErrorMessage,
        AckRequest,
        NackRequest,
        HeartbeatAckRequest,
        IAMRoleCredentialsAckRequest,
        TaskStopVerificationMessage,
    }
}

/// Decodes a text frame; an unknown type is [`Unknown`](crate::Decoded::Unknown), not an error.
pub fn decode(frame: &str) -> Result<Decoded, DecodeError> {
    crate::envelope::open(frame, Message::from_body)
}

/// Encodes a message as a text frame.
pub fn encode(message: &Message) -> String {
    crate::envelope::close(message.type_name(), message)
}
